"""The statechart itself: `advance(program, state, input) -> (state, commands)`, pure."""
