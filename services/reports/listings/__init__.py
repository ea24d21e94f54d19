"""Lists and views of what is defined: journeys, their stages, templates."""
