-- Aggregates whose state is a plain value of the input's type, like those of min and max: f_state(x) collects, f_merge(value) and
-- f_merge_state(value) merge.

-- bool_and, bool_or
CREATE AGGREGATE bool_and_state(boolean) (SFUNC = booland_statefunc, STYPE = boolean, COMBINEFUNC = booland_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_alltrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_and_state(boolean) IS 'whether all of the values are true, as a state that merges';
CREATE AGGREGATE bool_and_merge(boolean) (SFUNC = booland_statefunc, STYPE = boolean, COMBINEFUNC = booland_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_alltrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_and_merge(boolean) IS 'whether all of the values are true of merged states';
CREATE AGGREGATE bool_and_merge_state(boolean) (SFUNC = booland_statefunc, STYPE = boolean, COMBINEFUNC = booland_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_alltrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_and_merge_state(boolean) IS 'whether all of the values are true of merged states, as a state';

CREATE AGGREGATE bool_or_state(boolean) (SFUNC = boolor_statefunc, STYPE = boolean, COMBINEFUNC = boolor_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_anytrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_or_state(boolean) IS 'whether any of the values is true, as a state that merges';
CREATE AGGREGATE bool_or_merge(boolean) (SFUNC = boolor_statefunc, STYPE = boolean, COMBINEFUNC = boolor_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_anytrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_or_merge(boolean) IS 'whether any of the values is true of merged states';
CREATE AGGREGATE bool_or_merge_state(boolean) (SFUNC = boolor_statefunc, STYPE = boolean, COMBINEFUNC = boolor_statefunc,
    MSFUNC = bool_accum, MINVFUNC = bool_accum_inv, MSTYPE = internal, MSSPACE = 16, MFINALFUNC = bool_anytrue, PARALLEL = SAFE);
COMMENT ON AGGREGATE bool_or_merge_state(boolean) IS 'whether any of the values is true of merged states, as a state';

-- bit_and, bit_or
CREATE AGGREGATE bit_and_state(smallint) (SFUNC = int2and, STYPE = smallint, COMBINEFUNC = int2and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_state(smallint) IS 'bitwise AND of the values, as a state that merges';
CREATE AGGREGATE bit_and_merge(smallint) (SFUNC = int2and, STYPE = smallint, COMBINEFUNC = int2and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge(smallint) IS 'bitwise AND of the values of merged states';
CREATE AGGREGATE bit_and_merge_state(smallint) (SFUNC = int2and, STYPE = smallint, COMBINEFUNC = int2and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge_state(smallint) IS 'bitwise AND of the values of merged states, as a state';
CREATE AGGREGATE bit_and_state(integer) (SFUNC = int4and, STYPE = integer, COMBINEFUNC = int4and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_state(integer) IS 'bitwise AND of the values, as a state that merges';
CREATE AGGREGATE bit_and_merge(integer) (SFUNC = int4and, STYPE = integer, COMBINEFUNC = int4and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge(integer) IS 'bitwise AND of the values of merged states';
CREATE AGGREGATE bit_and_merge_state(integer) (SFUNC = int4and, STYPE = integer, COMBINEFUNC = int4and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge_state(integer) IS 'bitwise AND of the values of merged states, as a state';
CREATE AGGREGATE bit_and_state(bigint) (SFUNC = int8and, STYPE = bigint, COMBINEFUNC = int8and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_state(bigint) IS 'bitwise AND of the values, as a state that merges';
CREATE AGGREGATE bit_and_merge(bigint) (SFUNC = int8and, STYPE = bigint, COMBINEFUNC = int8and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge(bigint) IS 'bitwise AND of the values of merged states';
CREATE AGGREGATE bit_and_merge_state(bigint) (SFUNC = int8and, STYPE = bigint, COMBINEFUNC = int8and, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge_state(bigint) IS 'bitwise AND of the values of merged states, as a state';
CREATE AGGREGATE bit_and_state(bit) (SFUNC = bitand, STYPE = bit, COMBINEFUNC = bitand, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_state(bit) IS 'bitwise AND of the values, as a state that merges';
CREATE AGGREGATE bit_and_merge(bit) (SFUNC = bitand, STYPE = bit, COMBINEFUNC = bitand, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge(bit) IS 'bitwise AND of the values of merged states';
CREATE AGGREGATE bit_and_merge_state(bit) (SFUNC = bitand, STYPE = bit, COMBINEFUNC = bitand, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_and_merge_state(bit) IS 'bitwise AND of the values of merged states, as a state';

CREATE AGGREGATE bit_or_state(smallint) (SFUNC = int2or, STYPE = smallint, COMBINEFUNC = int2or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_state(smallint) IS 'bitwise OR of the values, as a state that merges';
CREATE AGGREGATE bit_or_merge(smallint) (SFUNC = int2or, STYPE = smallint, COMBINEFUNC = int2or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge(smallint) IS 'bitwise OR of the values of merged states';
CREATE AGGREGATE bit_or_merge_state(smallint) (SFUNC = int2or, STYPE = smallint, COMBINEFUNC = int2or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge_state(smallint) IS 'bitwise OR of the values of merged states, as a state';
CREATE AGGREGATE bit_or_state(integer) (SFUNC = int4or, STYPE = integer, COMBINEFUNC = int4or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_state(integer) IS 'bitwise OR of the values, as a state that merges';
CREATE AGGREGATE bit_or_merge(integer) (SFUNC = int4or, STYPE = integer, COMBINEFUNC = int4or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge(integer) IS 'bitwise OR of the values of merged states';
CREATE AGGREGATE bit_or_merge_state(integer) (SFUNC = int4or, STYPE = integer, COMBINEFUNC = int4or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge_state(integer) IS 'bitwise OR of the values of merged states, as a state';
CREATE AGGREGATE bit_or_state(bigint) (SFUNC = int8or, STYPE = bigint, COMBINEFUNC = int8or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_state(bigint) IS 'bitwise OR of the values, as a state that merges';
CREATE AGGREGATE bit_or_merge(bigint) (SFUNC = int8or, STYPE = bigint, COMBINEFUNC = int8or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge(bigint) IS 'bitwise OR of the values of merged states';
CREATE AGGREGATE bit_or_merge_state(bigint) (SFUNC = int8or, STYPE = bigint, COMBINEFUNC = int8or, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge_state(bigint) IS 'bitwise OR of the values of merged states, as a state';
CREATE AGGREGATE bit_or_state(bit) (SFUNC = bitor, STYPE = bit, COMBINEFUNC = bitor, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_state(bit) IS 'bitwise OR of the values, as a state that merges';
CREATE AGGREGATE bit_or_merge(bit) (SFUNC = bitor, STYPE = bit, COMBINEFUNC = bitor, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge(bit) IS 'bitwise OR of the values of merged states';
CREATE AGGREGATE bit_or_merge_state(bit) (SFUNC = bitor, STYPE = bit, COMBINEFUNC = bitor, PARALLEL = SAFE);
COMMENT ON AGGREGATE bit_or_merge_state(bit) IS 'bitwise OR of the values of merged states, as a state';

-- any_value: the least value, so that it does not depend on the order of rows. PostgreSQL has an any_value since 16.
CREATE AGGREGATE any_value(anyelement) (SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.any_value(anyelement) IS 'one of the values: the least';
CREATE AGGREGATE any_value_state(anyelement) (SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE);
COMMENT ON AGGREGATE any_value_state(anyelement) IS 'one of the values (the least), as a state that merges';
CREATE AGGREGATE any_value_merge(anyelement) (SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE);
COMMENT ON AGGREGATE any_value_merge(anyelement) IS 'one of the values (the least) of merged states';
CREATE AGGREGATE any_value_merge_state(anyelement) (SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE);
COMMENT ON AGGREGATE any_value_merge_state(anyelement) IS 'one of the values (the least) of merged states, as a state';
