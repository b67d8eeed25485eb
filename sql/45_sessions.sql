-- Sessions: a user's events with less than a gap between each and the next. A row whose time is NULL, infinite or NaN is no event.

CREATE FUNCTION sessionize(ts timestamptz, gap interval DEFAULT '30 minutes') RETURNS bigint
    WINDOW STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_timestamptz';
COMMENT ON FUNCTION sessionize(timestamptz, interval) IS 'number of the session within the partition; an event at least gap after the one before opens a session';
CREATE FUNCTION sessionize(ts timestamp, gap interval DEFAULT '30 minutes') RETURNS bigint
    WINDOW IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_timestamp';
COMMENT ON FUNCTION sessionize(timestamp, interval) IS 'number of the session within the partition; an event at least gap after the one before opens a session';
CREATE FUNCTION sessionize(ts date, gap interval DEFAULT '30 minutes') RETURNS bigint
    WINDOW IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_date';
COMMENT ON FUNCTION sessionize(date, interval) IS 'number of the session within the partition; an event at least gap after the one before opens a session';
CREATE FUNCTION sessionize(ts bigint, gap bigint) RETURNS bigint
    WINDOW IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_int8';
COMMENT ON FUNCTION sessionize(bigint, bigint) IS 'number of the session within the partition; an event at least gap after the one before opens a session';
CREATE FUNCTION sessionize(ts float8, gap float8) RETURNS bigint
    WINDOW IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_float8';
COMMENT ON FUNCTION sessionize(float8, float8) IS 'number of the session within the partition; an event at least gap after the one before opens a session';
CREATE FUNCTION sessionize(ts numeric, gap numeric) RETURNS bigint
    WINDOW IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessionize_numeric';
COMMENT ON FUNCTION sessionize(numeric, numeric) IS 'number of the session within the partition; an event at least gap after the one before opens a session';

-- The query behind tally.sessions, with parameters $1 the gap, $2 and $3 the time frame.
CREATE FUNCTION tally.sessions_query(source regclass, user_column name, time_column name, gap interval, from_time timestamptz, to_time timestamptz) RETURNS text
    STABLE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sessions_query';
COMMENT ON FUNCTION tally.sessions_query IS 'the query that tally.sessions runs for these arguments';

CREATE FUNCTION tally.sessions(source regclass, user_column name, time_column name, gap interval DEFAULT '30 minutes',
    from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL)
    RETURNS TABLE (user_key text, session tstzrange, started timestamptz, ended timestamptz, events bigint)
    STABLE PARALLEL UNSAFE LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE tally.sessions_query(source, user_column, time_column, gap, from_time, to_time) USING gap, from_time, to_time;
END
$$;
COMMENT ON FUNCTION tally.sessions IS 'sessions that begin in [from_time, to_time), whole';

CREATE FUNCTION session_id(user_key "any", session tstzrange) RETURNS uuid
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_session_id_range';
COMMENT ON FUNCTION session_id("any", tstzrange) IS 'id of a session: of the user and the first event, the same everywhere and always';
CREATE FUNCTION session_id(user_key "any", started timestamptz) RETURNS uuid
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_session_id_start';
COMMENT ON FUNCTION session_id("any", timestamptz) IS 'id of a session: of the user and the first event, the same everywhere and always';
