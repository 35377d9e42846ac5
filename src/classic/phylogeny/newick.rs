//! Trees from Newick text. The crate phylotree reads it too, but is under the GPL, which a permissive library cannot depend
//! on.

use crate::classic::ClassicError;
use crate::classic::phylogeny::Tree;
use crate::classic::phylogeny::tree::Node;

impl Tree {
    /// Reads one tree in Newick format: `((A:0.1,B:0.2):0.15,C:0.3);`. Names may be quoted by `'`, comments stand in `[ ]`,
    /// the `;` may be missing. A branch without a length is refused: no likelihood follows from it.
    ///
    /// # Errors
    /// Text that is no tree, with the position of the first wrong character; a leaf without a name or with a name twice; a
    /// missing or negative length.
    ///
    /// ```
    /// use qgraft::classic::phylogeny::Tree;
    /// let tree = Tree::parse("((A:0.1,'B b':0.2):0.15,C:0.3);")?;
    /// assert_eq!(tree.leaves(), ["A", "B b", "C"]);
    /// assert_eq!(Tree::parse(&tree.to_newick())?, tree);
    /// # Ok::<(), qgraft::classic::ClassicError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ClassicError> {
        let mut reader = Reader { text: text.chars().collect(), at: 0 };
        let nodes = reader.nodes()?;
        Self::new(nodes)
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn refuse<T>(&self, what: &str) -> Result<T, ClassicError> {
        let (line, column) =
            self.text[..self.at.min(self.text.len())].iter().fold((1, 1), |(line, column), c| match c {
                '\n' => (line + 1, 1),
                _ => (line, column + 1),
            });
        let found = self.text.get(self.at).map_or("the end".into(), |c| format!("{c:?}"));
        Err(ClassicError::Tree { reason: format!("line {line}, column {column}: expected {what}, found {found}") })
    }

    /// The next character that is neither space nor comment.
    fn peek(&mut self) -> Result<Option<char>, ClassicError> {
        loop {
            match self.text.get(self.at) {
                Some(c) if c.is_whitespace() => self.at += 1,
                Some('[') => match self.text[self.at..].iter().position(|c| *c == ']') {
                    Some(length) => self.at += length + 1,
                    None => return self.refuse("a comment that ends with ]"),
                },
                next => return Ok(next.copied()),
            }
        }
    }

    /// All nodes; a loop in place of recursion, since a chain of clades may be as deep as there are leaves.
    fn nodes(&mut self) -> Result<Vec<Node>, ClassicError> {
        let node = |parent: Option<usize>| Node { parent, length: 0.0, name: String::new(), is_leaf: true };
        let mut nodes = vec![node(None)];
        let mut at = 0;
        loop {
            while self.peek()? == Some('(') {
                self.at += 1;
                nodes[at].is_leaf = false;
                nodes.push(node(Some(at)));
                at = nodes.len() - 1;
            }
            loop {
                nodes[at].name = self.name()?;
                if let Some(length) = self.length()? {
                    nodes[at].length = length;
                } else if nodes[at].parent.is_some() {
                    return self.refuse(&format!("`:` and the length of the branch above {:?}", nodes[at].name));
                }
                match (self.peek()?, nodes[at].parent) {
                    (Some(','), Some(parent)) => {
                        self.at += 1;
                        nodes.push(node(Some(parent)));
                        at = nodes.len() - 1;
                        break;
                    }
                    (Some(')'), Some(parent)) => {
                        self.at += 1;
                        at = parent;
                    }
                    (Some(';'), None) => {
                        self.at += 1;
                        return match self.peek()? {
                            None => Ok(nodes),
                            Some(_) => self.refuse("the end of the text after one tree"),
                        };
                    }
                    (None, None) => return Ok(nodes),
                    (_, None) => return self.refuse("`;` or the end of the text"),
                    _ => return self.refuse("`,` or `)`"),
                }
            }
        }
    }

    fn name(&mut self) -> Result<String, ClassicError> {
        let mut name = String::new();
        if self.peek()? == Some('\'') {
            self.at += 1;
            loop {
                match self.text.get(self.at) {
                    Some('\'') if self.text.get(self.at + 1) == Some(&'\'') => {
                        name.push('\'');
                        self.at += 2;
                    }
                    Some('\'') => {
                        self.at += 1;
                        return Ok(name);
                    }
                    Some(c) => {
                        name.push(*c);
                        self.at += 1;
                    }
                    None => return self.refuse("a closing '"),
                }
            }
        }
        while let Some(c) = self.text.get(self.at).filter(|c| !c.is_whitespace() && !"()[]:;,'".contains(**c)) {
            name.push(*c);
            self.at += 1;
        }
        Ok(name)
    }

    fn length(&mut self) -> Result<Option<f64>, ClassicError> {
        if self.peek()? != Some(':') {
            return Ok(None);
        }
        self.at += 1;
        self.peek()?;
        let start = self.at;
        while self.text.get(self.at).is_some_and(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            self.at += 1;
        }
        let text: String = self.text[start..self.at].iter().collect();
        match text.parse::<f64>() {
            Ok(length) if length.is_finite() => Ok(Some(length)),
            _ => {
                self.at = start;
                self.refuse("the length of a branch, a number")
            }
        }
    }
}
