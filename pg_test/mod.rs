//! What `cargo pgrx test` asks for: the server that the tests in `in_backend/` run in.

pub fn setup(_options: Vec<&str>) {}

pub fn postgresql_conf_options() -> Vec<&'static str> {
    vec!["max_parallel_workers = 4", "max_worker_processes = 8", "timezone = 'UTC'"]
}
