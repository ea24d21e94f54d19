"""What comes next for one enrollment, when, and to which place or mail a person may lead it."""
