"""Long work as the colleague sees it who asked for it."""
