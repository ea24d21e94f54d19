"""What marketers define: journeys, templates, topics, broadcasts."""
