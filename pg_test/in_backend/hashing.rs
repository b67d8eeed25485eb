/// The vectors of docs/hashing.md are what the server counts by.
#[pg_test]
fn the_documented_vectors_hold() {
    use pg_tally_core::{hash::hash64, state::{State, Uniq, UniqExact}};
    let hex = |state: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        state(&mut out);
        out.iter().fold("\\x".to_string(), |hex, b| format!("{hex}{b:02x}"))
    };
    let document = include_str!("../../docs/hashing.md");
    let setup = document.split("```").nth(1).and_then(|block| block.strip_prefix("sql")).expect("the types of the vectors");
    run("SET LOCAL search_path = pg_temp, public");
    run(setup);
    let mut known = 0;
    for row in document.lines().skip_while(|line| *line != "## Vectors").filter(|line| line.contains(" | `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, value, canonical, hash] = cells[..] else { panic!("{row}") };
        let value = value.trim_matches('`');
        let digits = if canonical == "(none)" { "" } else { canonical };
        let canonical: Vec<u8> = (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect(row)).collect();
        let hash = u64::from_str_radix(hash, 16).expect(row);
        assert_eq!(hash64(&canonical), hash, "{row}");

        let mut exact = UniqExact::empty();
        exact.insert(&canonical).expect(row);
        assert_eq!(text(&format!("uniq_exact_state({value})")), Some(hex(&|out| exact.encode(out))), "{row}");
        let mut uniq = Uniq::empty();
        uniq.insert_hash(hash);
        assert_eq!(text(&format!("uniq_state({value})")), Some(hex(&|out| uniq.encode(out))), "{row}");
        known += 1;
    }
    assert!(known > 60, "{known}");
}
