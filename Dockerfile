# PostgreSQL 15 with pg_tally built from this checkout, loaded with the server.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libclang-dev postgresql-server-dev-15 \
 && rm -rf /var/lib/apt/lists/*
RUN cargo install --locked cargo-pgrx --version =0.18.1
# what `cargo pgrx init` would write
RUN mkdir -p /root/.pgrx \
 && printf '[configs]\npg15 = "/usr/lib/postgresql/15/bin/pg_config"\n' > /root/.pgrx/config.toml
WORKDIR /src
COPY . .
RUN cargo pgrx package --pg-config /usr/lib/postgresql/15/bin/pg_config --out-dir /out

FROM postgres:15-bookworm
COPY --from=build /out/usr/ /usr/
RUN echo 'CREATE EXTENSION IF NOT EXISTS pg_tally;' > /docker-entrypoint-initdb.d/10_pg_tally.sql
CMD ["postgres", "-c", "shared_preload_libraries=pg_tally"]
