"""What marketers wrote: journeys, templates, broadcasts, experiments, plans."""
