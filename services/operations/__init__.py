"""Long work as rows: asked for, done page by page, watched, cancelled."""
