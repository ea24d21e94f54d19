"""The names under which workers and those who ask meet in Temporal. What runs lives for years, so they never change."""

JOURNEYS = "journeys"
"""Every workflow, and the questions that an enrollment asks."""

DELIVERY = "delivery"
"""What takes long or touches the world: the lanes, the hooks, the upkeep, operations, sweeps."""

DEPLOYMENT = "waypost"
"""All builds are versions of one worker deployment; `Gateway.promote` chooses which of them gets the work."""
