//! Sessions: a user's events with less than a gap between each and the next.

mod sessionize;
