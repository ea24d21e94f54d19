"""The shapes of requests and answers, a module for each subject. Times are UTC, ISO 8601."""
