//! DNS block lists against a real server.
