"""Who is told of what, when, and in which words; pure. docs/notices.md."""
