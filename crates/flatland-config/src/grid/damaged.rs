//! Grid files that are wrong in up to four places, and grid files that were damaged.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use toml::Table;

use super::reader::KEYS;
use super::{Grid, GridSpec, text};
use crate::device_name::DeviceName;

/// The grids to make wrong.
const GRIDS: [&str; 4] = [
    include_str!("../../presets/quick.toml"),
    include_str!("../../presets/fig1.toml"),
    include_str!("../../presets/fig2.toml"),
    include_str!("../../presets/appE.toml"),
];

/// Keys with values that are wrong, and what a problem must say of each besides the key.
const WRONG: [(&str, &[(&str, &str)]); 21] = [
    ("wibble", &[("1", "unknown key"), ("{}", "unknown key")]),
    (
        "datasets",
        &[
            ("3", "3"),
            ("[]", ""),
            ("[\"imagenet\"]", "imagenet"),
            ("[\"svhn\", \"svhn\"]", "svhn"),
        ],
    ),
    (
        "networks",
        &[
            ("{}", ""),
            ("[\"alexnet\"]", "alexnet"),
            ("[{ name = \"mlp\", depth = 3 }]", "depth"),
            ("[\"cnn\", \"cnn\"]", "cnn"),
        ],
    ),
    (
        "methods",
        &[
            ("[17]", "17"),
            ("[\"adam\"]", "adam"),
            ("[{ name = \"nls\", eta = 3 }]", "eta"),
            ("[\"nls\", \"nls\"]", "nls"),
        ],
    ),
    ("losses", &[("[\"hinge\"]", "hinge"), ("true", "true")]),
    (
        "seeds",
        &[("[-1]", "-1"), ("[1.5]", "1.5"), ("[7, 7]", "7")],
    ),
    (
        "iterations",
        &[("-5", "-5"), ("\"ten\"", "ten"), ("1e3", "")],
    ),
    ("samples", &[("\"many\"", "many"), ("-1", "-1"), ("0", "0")]),
    ("chunk", &[("0", "0"), ("\"large\"", "large"), ("[1]", "1")]),
    ("sharpness_every", &[("-1", "-1"), ("\"often\"", "often")]),
    ("accuracy_every", &[("-1", "-1"), ("false", "false")]),
    ("first_per_class", &[("-1", "-1"), ("\"all\"", "all")]),
    ("batch_size", &[("-1", "-1"), ("\"small\"", "small")]),
    ("epochs", &[("-4", "-4"), ("[]", "")]),
    (
        "diagnostics",
        &[
            ("{ every = 0 }", "every"),
            ("{ from = 9, to = 3 }", "from"),
            ("{ wobble = 1 }", "wobble"),
        ],
    ),
    (
        "segment",
        &[("{ at = [] }", "at"), ("{ at = \"end\" }", "")],
    ),
    (
        "measurement",
        &[
            ("{ lanczos_tolerance = 2.0 }", "lanczos_tolerance"),
            ("{ tolerance = 1e-3 }", "tolerance"),
        ],
    ),
    ("tuned", &[("4", "4")]),
    ("init", &[("\"absent.pt\"", "absent.pt"), ("7", "7")]),
    ("dtype", &[("\"f16\"", "f16"), ("32", "32")]),
    ("device", &[("\"tpu\"", "tpu"), ("0", "0")]),
];

/// The grid, or its problems.
fn read(text: &str) -> Result<Grid, Vec<String>> {
    let grid = GridSpec::parse("damaged", text, "damaged.toml").and_then(GridSpec::check);
    grid.map_err(|error| error.problems)
}

/// A grid with one to four wrong keys, and for each what one of the problems must say.
fn wrong() -> impl Strategy<Value = (String, Vec<[&'static str; 2]>)> {
    let planted = subsequence(WRONG.to_vec(), 1..=4);
    let choices = prop::collection::vec(any::<Index>(), 4);
    (select(GRIDS.to_vec()), planted, choices).prop_map(|(grid, planted, choices)| {
        let mut table: Table = grid.parse().expect("a preset");
        let mut expected = Vec::new();
        for ((key, values), choice) in planted.into_iter().zip(choices) {
            let (value, told) = *choice.get(values);
            let parsed: Table = format!("value = {value}").parse().expect("a value");
            table.insert(key.to_owned(), parsed["value"].clone());
            expected.push([key, told]);
        }
        // Where a key has no place beside another, its value is not looked at.
        let batch_size = table.get("batch_size").and_then(toml::Value::as_integer);
        for [key, told] in &mut expected {
            if batch_size.is_some_and(|size| size > 0)
                && ["iterations", "diagnostics", "segment"].contains(key)
            {
                *told = "does not go with batch_size";
            }
        }
        (table.to_string(), expected)
    })
}

/// Whether a problem is one of a key: it begins with the key, or an entry of it, and says what is wrong there.
fn is_of(problem: &str, key: &str) -> bool {
    if problem == format!("unknown key {key:?}; the keys are {}", KEYS.join(", ")) {
        return true;
    }
    // "iterations = -5: …", "networks[0] = …", "samples: …", "epochs does not go with …", "tuned …"
    let after = |word: &str| {
        problem
            .strip_prefix(word)
            .and_then(|rest| rest.chars().next())
    };
    let is_key = after(key).is_some_and(|next| [' ', '[', ':'].contains(&next));
    // "method nls: …"
    is_key || key == "methods" && problem.starts_with("method ")
}

/// A preset with bytes changed, lines lost, doubled or swapped, or its end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Change::Byte(place, byte)),
        any::<Index>().prop_map(Change::Lost),
        any::<Index>().prop_map(Change::Doubled),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::Swapped(one, other)),
        any::<Index>().prop_map(Change::Cut),
    ];
    let changes = prop::collection::vec(change, 1..4);
    (select(GRIDS.to_vec()), changes)
        .prop_map(|(grid, changes)| changes.iter().fold(grid.into(), Change::apply))
}

#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    Lost(Index),
    Doubled(Index),
    Swapped(Index, Index),
    Cut(Index),
}

impl Change {
    fn apply(text: Vec<u8>, change: &Self) -> Vec<u8> {
        if text.is_empty() {
            return text;
        }
        let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        match change {
            Self::Byte(place, byte) => {
                let mut bytes = text;
                let place = place.index(bytes.len());
                bytes[place] = *byte;
                return bytes;
            }
            Self::Lost(line) => {
                lines.remove(line.index(lines.len()));
            }
            Self::Doubled(line) => lines.push(lines[line.index(lines.len())]),
            Self::Swapped(one, other) => {
                let count = lines.len();
                lines.swap(one.index(count), other.index(count));
            }
            Self::Cut(place) => {
                return text[..place.index(text.len())].to_owned();
            }
        }
        lines.join(&b'\n')
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_wrong_key_is_named_with_its_value((text, expected) in wrong()) {
        let problems = read(&text).map(|_| ()).expect_err(&text);
        for told in expected {
            let [key, what] = told;
            let is_told = |problem: &String| is_of(problem, key) && problem.contains(what);
            prop_assert!(problems.iter().any(is_told), "{told:?} in {problems:#?} of {text}");
        }
    }

    #[test]
    fn a_damaged_grid_is_read_or_refused_with_its_place(bytes in damaged()) {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let grid = text(bytes).map_err(|problem| vec![problem]).and_then(|text| read(&text));
        match grid {
            Ok(grid) => prop_assert!(!grid.runs(DeviceName::Flex).is_empty()),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    let is_no_toml = ["not TOML: TOML parse error at line", "not TOML: line "]
                        .iter()
                        .any(|start| problem.starts_with(start));
                    let is_unknown = problem.starts_with("unknown key \"");
                    let is_placed = is_no_toml || is_unknown || KEYS.iter().any(|key| is_of(&problem, key));
                    prop_assert!(is_placed, "{problem:?} of {shown}");
                }
            }
        }
    }
}
