"""Enrollments: an event happens, a customer enters, an enrollment wakes, and what its steps do."""
