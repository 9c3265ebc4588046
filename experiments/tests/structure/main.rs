//! The rules of the workspace that no compiler checks: see ARCHITECTURE.md.

mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// The most lines of source in a crate, tests included.
const MOST_LINES: usize = 9_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace")
        .to_owned()
}

/// The folders of the crates, by name.
fn crates() -> BTreeMap<String, PathBuf> {
    let folder = root().join("crates");
    let entries = fs::read_dir(&folder).expect("a folder of crates");
    let mut crates: BTreeMap<String, PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| {
            (
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        })
        .collect();
    crates.insert("experiments".to_owned(), root().join("experiments"));
    crates
}

fn source(folder: &Path) -> Source {
    let library = folder.join("src/lib.rs");
    Source::read(&if library.is_file() {
        library
    } else {
        folder.join("src/main.rs")
    })
}

/// The crates of the workspace that a crate depends on outside its tests.
fn dependencies(folder: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let names = manifest["dependencies"].as_table().expect("a table").keys();
    names
        .filter(|name| name.starts_with("flatland-"))
        .cloned()
        .collect()
}

fn lines(folder: &Path) -> usize {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let count = |path: PathBuf| {
        if path.is_dir() {
            lines(&path)
        } else if path.extension().is_some_and(|name| name == "rs") {
            fs::read_to_string(path).expect("text").lines().count()
        } else {
            0
        }
    };
    entries.map(count).sum()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut problems = String::new();
    for (name, folder) in crates() {
        for (from, to) in source(&folder).circles() {
            let [from, to] = [from, to].map(|module| module.path.join("::"));
            problems += &format!("{name}: {from} → {to}\n");
        }
    }
    assert!(
        problems.is_empty(),
        "these files import each other:\n{problems}"
    );
}

/// From the bottom to the top. Crates beside each other do not know each other.
#[test]
fn every_layer_knows_only_those_below_it() {
    let layers: [&[&str]; 6] = [
        &["flatland-random", "flatland-kernels"],
        &["flatland-optim", "flatland-data"],
        &["flatland-models", "flatland-sharpness"],
        &["flatland-config"],
        &["flatland-records"],
        &["flatland-runner", "flatland-report"],
    ];
    let layer = |name: &str| layers.iter().position(|names| names.contains(&name));
    for (name, folder) in crates() {
        let own = if name == "experiments" {
            layers.len()
        } else {
            layer(&name).unwrap_or_else(|| panic!("{name} is in no layer"))
        };
        for dependency in dependencies(&folder) {
            let below = layer(&dependency).is_some_and(|other| other < own);
            assert!(
                below,
                "{name} depends on {dependency}, which is not below it"
            );
        }
    }
}

#[test]
fn no_crate_is_too_large_to_be_read() {
    for (name, folder) in crates() {
        let lines = lines(&folder.join("src"));
        assert!(
            lines <= MOST_LINES,
            "{name} has {lines} lines: at most {MOST_LINES}"
        );
    }
}

#[test]
fn one_public_type_name_has_one_meaning() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, folder) in crates() {
        for module in source(&folder).modules {
            let file = module
                .file
                .strip_prefix(root())
                .expect("a file of the workspace")
                .display()
                .to_string();
            for name in module.public_types {
                places.entry(name).or_default().push(file.clone());
            }
        }
    }
    // Every library may call its error type so.
    places.retain(|name, files| files.len() > 1 && name != "Error");
    assert!(
        places.is_empty(),
        "these names have several meanings: {places:#?}"
    );
}

mod reading {
    //! The reader of source text itself.

    use std::fs;

    use tempfile::TempDir;

    use super::source::{Module, Source};

    /// The imports that lie on a circle.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let source = Source::read(&folder.path().join("lib.rs"));
        let arrow = |(from, to): (&Module, &Module)| {
            format!("{} {}", from.path.join("::"), to.path.join("::"))
        };
        source.circles().into_iter().map(arrow).collect()
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        let root = ("lib.rs", "mod a; mod b;");
        for (of_a, of_b) in [
            ("use crate::b::B;", "use crate::a::A;"),
            (
                "use super::{b::B, c};",
                "fn f() -> super::a::A { panic!() }",
            ),
            ("fn f() { crate::b::g(); }", "use crate::{a as c};"),
            ("mod inner { use super::super::b::B; }", "use crate::a;"),
        ] {
            assert_eq!(
                circles(&[root, ("a.rs", of_a), ("b.rs", of_b)]),
                ["a b", "b a"],
                "{of_a} {of_b}"
            );
        }
    }

    #[test]
    fn a_parent_and_a_child_may_not_need_each_other() {
        let child = ("a/child.rs", "use super::A;");
        let root = ("lib.rs", "mod a;");
        let parent = |text| circles(&[root, ("a.rs", text), child]);
        assert_eq!(
            parent("mod child; struct A; fn f() { child::g(); }"),
            ["a a::child", "a::child a"]
        );
        assert_eq!(
            parent("mod child; struct A; use child::B;"),
            ["a a::child", "a::child a"]
        );
        assert!(
            parent("mod child; struct A; pub use child::B;").is_empty(),
            "a facade"
        );
    }

    #[test]
    fn what_is_re_exported_is_imported_from_its_own_file() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod c; mod d; pub use c::C; pub use d::D;"),
            ("a/c.rs", "use super::D;"),
            ("a/d.rs", ""),
            ("b.rs", "use crate::a::C;"),
        ];
        assert!(circles(&files).is_empty());
    }

    #[test]
    fn tests_comments_and_texts_import_nothing() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; const Q: char = '\"';"),
            (
                "b.rs",
                "// use crate::a::A;\nconst T: &str = \"crate::a::A\"; #[cfg(test)] mod tests { use crate::a::A; }",
            ),
        ];
        assert!(circles(&files).is_empty());
    }
}
