//! The modules of a crate and what they import, read from its source text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A path such as `crate::a::B`, by its segments.
type Segments = Vec<String>;

/// One module of a crate that has a file of its own.
pub struct Module {
    /// The segments below the crate's root.
    pub path: Segments,
    /// The file.
    pub file: PathBuf,
    /// The names that `pub use` gives to items of other modules, with their paths.
    facade: BTreeMap<String, Segments>,
    /// Every other path in the file that may name an item of the crate, as if written in this module.
    uses: BTreeSet<Segments>,
    /// The public types that the file defines.
    pub public_types: Vec<String>,
}

/// The modules of a crate.
pub struct Source {
    /// The modules, the root first.
    pub modules: Vec<Module>,
}

impl Source {
    /// Reads a crate whose root is the file `root`.
    pub fn read(root: &Path) -> Self {
        let mut source = Self {
            modules: Vec::new(),
        };
        let folder = root.parent().expect("a file in a folder").to_owned();
        source.add(root, &folder, Vec::new());
        source
    }

    fn add(&mut self, file: &Path, folder: &Path, path: Segments) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = Parsed::of(&without_tests(tokens(&text)));
        self.modules.push(Module {
            path: path.clone(),
            file: file.to_owned(),
            facade: parsed.facade,
            uses: parsed.uses,
            public_types: parsed.public_types,
        });
        for name in parsed.children {
            let child = [path.clone(), vec![name.clone()]].concat();
            let file = folder.join(format!("{name}.rs"));
            self.add(&file, &folder.join(&name), child);
        }
    }

    /// The numbers of the modules that each module imports something from.
    pub fn imports(&self) -> Vec<BTreeSet<usize>> {
        let targets = |(number, module): (usize, &Module)| {
            let found = module
                .uses
                .iter()
                .filter_map(|path| self.resolve(module, path, 0));
            found.filter(|&target| target != number).collect()
        };
        self.modules.iter().enumerate().map(targets).collect()
    }

    fn number(&self, path: &[String]) -> Option<usize> {
        self.modules.iter().position(|module| module.path == path)
    }

    /// The module that defines what a path in `module` names. `None` if that is no item of the crate.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<usize> {
        let mut place = module.path.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => {
                place.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    place.pop()?;
                    rest = &rest[1..];
                }
            }
            child => {
                self.number(&[place.as_slice(), &[child.to_owned()]].concat())?;
            }
        }
        while let Some(next) = rest.first() {
            let child = [place.as_slice(), std::slice::from_ref(next)].concat();
            if self.number(&child).is_none() {
                break;
            }
            place = child;
            rest = &rest[1..];
        }
        let number = self.number(&place)?;
        let target = &self.modules[number];
        let elsewhere = rest.first().and_then(|name| target.facade.get(name));
        match elsewhere {
            // A name that is re-exported is imported from where it is defined. The bound is for a name that re-exports itself.
            Some(path) if depth < 8 => {
                let path = [path.as_slice(), &rest[1..]].concat();
                self.resolve(target, &path, depth + 1).or(Some(number))
            }
            _ => Some(number),
        }
    }

    /// The imports that lie on a circle: pairs of modules, the first of which imports from the second.
    pub fn circles(&self) -> Vec<(&Module, &Module)> {
        let imports = self.imports();
        let reach: Vec<BTreeSet<usize>> = (0..imports.len())
            .map(|start| {
                let mut seen = BTreeSet::new();
                let mut open = vec![start];
                while let Some(number) = open.pop() {
                    open.extend(
                        imports[number]
                            .iter()
                            .filter(|&&target| seen.insert(target)),
                    );
                }
                seen
            })
            .collect();
        let arrows = |from: usize| imports[from].iter().map(move |&to| (from, to));
        (0..imports.len())
            .flat_map(arrows)
            .filter(|&(from, to)| reach[to].contains(&from))
            .map(|(from, to)| (&self.modules[from], &self.modules[to]))
            .collect()
    }
}

/// What a file declares and names.
#[derive(Default)]
struct Parsed {
    children: Vec<String>,
    facade: BTreeMap<String, Segments>,
    uses: BTreeSet<Segments>,
    public_types: Vec<String>,
}

impl Parsed {
    fn of(tokens: &[String]) -> Self {
        let mut parsed = Self::default();
        // Modules in braces: how deep the braces are in which they begin.
        let (mut depth, mut inline) = (0_usize, Vec::new());
        let (mut at, mut is_public) = (0, false);
        while at < tokens.len() {
            let next = tokens.get(at + 1).map_or("", String::as_str);
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                    }
                }
                "pub" => {
                    is_public = true;
                    at += 1;
                    if next == "(" {
                        at += tokens[at..]
                            .iter()
                            .position(|token| token == ")")
                            .expect("a closed visibility")
                            + 1;
                    }
                    continue;
                }
                "mod" if is_name(next) => {
                    match tokens.get(at + 2).map_or("", String::as_str) {
                        ";" if inline.is_empty() => parsed.children.push(next.to_owned()),
                        "{" => inline.push(depth),
                        _ => {}
                    }
                    at += 1;
                }
                // A `use<'a>` says which lifetimes a type captures.
                "use" if next != "<" => {
                    let length = tokens[at..]
                        .iter()
                        .position(|token| token == ";")
                        .expect("the end of a use");
                    for (path, name) in use_tree(&tokens[at + 1..at + length]) {
                        let Some(path) = outside(path, inline.len()) else {
                            continue;
                        };
                        if is_public && inline.is_empty() && name != "*" {
                            parsed.facade.insert(name, path);
                        } else {
                            parsed.uses.insert(path);
                        }
                    }
                    at += length;
                }
                "struct" | "enum" | "trait" if is_public && depth == 0 => {
                    parsed.public_types.push(next.to_owned());
                }
                name if is_name(name)
                    && tokens[..at].last().is_none_or(|before| before != "::") =>
                {
                    let mut path = vec![name.to_owned()];
                    while tokens.get(at + 1).is_some_and(|token| token == "::")
                        && tokens.get(at + 2).is_some_and(|token| is_name(token))
                    {
                        path.push(tokens[at + 2].clone());
                        at += 2;
                    }
                    if path.len() > 1 {
                        parsed.uses.extend(outside(path, inline.len()));
                    }
                }
                _ => {}
            }
            is_public = false;
            at += 1;
        }
        parsed
    }
}

/// A path in a module in braces, as the file's own module writes it. `None` if it stays inside.
fn outside(mut path: Segments, levels: usize) -> Option<Segments> {
    for _ in 0..levels {
        match path.first().map(String::as_str) {
            Some("crate") => return Some(path),
            Some("super") => {
                path.remove(0);
            }
            _ => return None,
        }
    }
    if levels > 0 && path.first().is_some_and(|first| first != "super") {
        path.insert(0, "self".to_owned());
    }
    Some(path)
}

/// The paths of a `use`, each with the name that it gets.
fn use_tree(tokens: &[String]) -> Vec<(Segments, String)> {
    fn read(
        tokens: &[String],
        at: &mut usize,
        prefix: &[String],
        found: &mut Vec<(Segments, String)>,
    ) {
        let mut path = prefix.to_vec();
        loop {
            match tokens.get(*at).map(String::as_str) {
                Some("::") => *at += 1,
                Some("{") => {
                    *at += 1;
                    while tokens[*at] != "}" {
                        read(tokens, at, &path, found);
                        if tokens[*at] == "," {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                Some("as") => {
                    found.push((path, tokens[*at + 1].clone()));
                    *at += 2;
                    return;
                }
                Some("self") if !path.is_empty() => *at += 1,
                Some(name) if is_name(name) || name == "*" => {
                    path.push(name.to_owned());
                    *at += 1;
                }
                _ => {
                    let name = path.last().cloned().unwrap_or_default();
                    if name == "*" {
                        path.pop();
                    }
                    found.push((path, name));
                    return;
                }
            }
        }
    }
    let mut found = Vec::new();
    read(tokens, &mut 0, &[], &mut found);
    found
}

const ITEMS: [&str; 10] = [
    "fn", "impl", "mod", "struct", "enum", "trait", "type", "use", "const", "static",
];

fn is_name(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// The tokens without items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..]
            .iter()
            .map(String::as_str)
            .take(attribute.len())
            .eq(attribute)
        {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += attribute.len();
        // An item ends with a semicolon or with its braces, a field with a comma or before the braces of its type.
        let is_item = (tokens[at..].iter().take(5)).any(|token| ITEMS.contains(&token.as_str()));
        let mut depth = 0;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                break;
            }
            let is_end = depth == 0
                && match tokens[at].as_str() {
                    ";" | "}" => true,
                    "," => !is_item,
                    _ => false,
                };
            at += 1;
            if is_end {
                break;
            }
        }
    }
    kept
}

/// Names, `::` and single signs, without comments, texts and numbers.
fn tokens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        let next = rest.get(1).copied().unwrap_or(' ');
        match rest[0] {
            '/' if next == '/' => {
                at += rest
                    .iter()
                    .position(|&letter| letter == '\n')
                    .unwrap_or(rest.len())
            }
            '/' if next == '*' => {
                let end = rest.windows(2).position(|pair| pair == ['*', '/']);
                at += end.map_or(rest.len(), |end| end + 2);
            }
            'r' if matches!(next, '"' | '#') && raw_text(rest).is_some() => {
                at += raw_text(rest).unwrap_or(1)
            }
            '"' => at += text_length(rest),
            '\'' if next == '\\' => {
                let end = rest[2..].iter().skip(1).position(|&letter| letter == '\'');
                at += end.map_or(rest.len(), |end| end + 4);
            }
            '\'' if rest.get(2) == Some(&'\'') => at += 3,
            ':' if next == ':' => {
                tokens.push("::".to_owned());
                at += 2;
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                let is_part = |letter: &&char| letter.is_alphanumeric() || **letter == '_';
                let name: String = rest.iter().take_while(is_part).collect();
                at += name.chars().count();
                if is_name(&name) {
                    tokens.push(name);
                }
            }
            letter => {
                if !letter.is_whitespace() {
                    tokens.push(letter.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

/// The length of a text in quotes.
fn text_length(letters: &[char]) -> usize {
    let mut at = 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw text. `None` if it is none.
fn raw_text(letters: &[char]) -> Option<usize> {
    let signs = letters[1..]
        .iter()
        .take_while(|&&letter| letter == '#')
        .count();
    if letters.get(1 + signs) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', signs))
        .collect();
    let start = 2 + signs;
    let length = letters[start..]
        .windows(end.len())
        .position(|window| window == end)?;
    Some(start + length + end.len())
}
