//! Schedules, decisions and retention, against oracles that share nothing with them but the question.

mod decisions;
mod oracle;
mod retention;
mod simulation;
mod ticks;
mod upkeep;
mod world;
mod zones;
