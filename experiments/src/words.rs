//! Words for a terminal.

/// So many things, by their name: `1 run`, `2 runs`.
pub fn counted(count: usize, name: &str) -> String {
    match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// A text without control characters but line ends: records may come from anybody, and a terminal obeys what they hold.
pub fn plain(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\n' => '\n',
        '\t' => ' ',
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let counts = [0, 1, 2].map(|count| counted(count, "run"));
        assert_eq!(counts, ["0 runs", "1 run", "2 runs"]);
    }

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        let evil = "a\u{1b}]0;title\u{7}\r\u{9b}31m\tb\nλ₁ ± ▲";
        assert_eq!(plain(evil), "a�]0;title��\u{fffd}31m b\nλ₁ ± ▲");
    }
}
