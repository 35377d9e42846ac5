//! The part of Python's pickle format that `torch.save` writes, as data: no name is looked up and nothing is called.
//!
//! Objects are in one list and refer to each other by number. No code here descends into an object by recursion, so the
//! depth of a pickle does not matter, and every size is compared with the bytes that are left. Format:
//! Python's `Lib/pickletools.py`.

use std::collections::HashMap;
use std::rc::Rc;

/// Number of an object.
pub(super) type Id = usize;

/// Objects of the largest pickle that is read. A network with 10,000 tensors has about 300,000.
const MOST_OBJECTS: usize = 4_000_000;

/// Letters of the longest name of a module, class or function.
const LONGEST_NAME: usize = 200;

/// Axes of a tensor with the most.
const MOST_AXES: usize = 16;

/// Modules that no file of weights needs: a pickle that names one is made to run code.
const DANGEROUS: [&str; 32] = [
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "importlib",
    "runpy",
    "shutil",
    "socket",
    "ctypes",
    "pty",
    "code",
    "codeop",
    "webbrowser",
    "commands",
    "multiprocessing",
    "pickle",
    "_pickle",
    "marshal",
    "operator",
    "_operator",
    "pip",
    "timeit",
    "pdb",
    "bdb",
    "asyncio",
    "urllib",
    "http",
    "requests",
    "smtplib",
    "tempfile",
    "signal",
];

/// Functions of `builtins` that data may name.
const HARMLESS: [&str; 14] = [
    "dict",
    "list",
    "tuple",
    "set",
    "frozenset",
    "int",
    "float",
    "bool",
    "complex",
    "str",
    "bytes",
    "bytearray",
    "slice",
    "object",
];

/// An object of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function by its module and name.
    Global(Rc<str>, Rc<str>),
    /// Bytes in a file of their own: type of the elements, name of the file.
    Storage {
        kind: Rc<str>,
        key: Rc<str>,
    },
    /// A view of a storage.
    Tensor(TensorView),
    /// Anything else, by what it would have been.
    Other(String),
}

/// Where the elements of a tensor are in its storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorView {
    /// Type of the elements, as PyTorch calls the storage.
    pub kind: Rc<str>,
    /// Name of the file of the storage.
    pub key: Rc<str>,
    /// Element of the storage that the tensor begins with.
    pub offset: usize,
    /// Number of elements along each axis.
    pub shape: Vec<usize>,
    /// Steps in the storage along each axis.
    pub strides: Vec<usize>,
}

/// A pickle as data.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    /// Bytes that are cut short or no pickle, tensors without storage, a name of a module that runs code.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine =
            Machine { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
        loop {
            let at = machine.at;
            let code = machine.byte()?;
            if code == b'.' {
                let root = machine.pop()?;
                return Ok(Self { objects: machine.objects, root });
            }
            machine.step(code).map_err(|reason| format!("{reason} (byte {at} of its pickle)"))?;
        }
    }

    /// The object itself.
    pub(super) fn root(&self) -> &Object {
        &self.objects[self.root]
    }

    /// The object of this number.
    pub(super) fn get(&self, id: Id) -> &Object {
        &self.objects[id]
    }
}

/// A pickle that is being read.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Id>,
    /// Lengths of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("the pickle is cut short")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of this many bytes.
    fn number(&mut self, size: usize) -> Result<u64, String> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(self.take(size)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// Bytes behind their number, which has this many bytes.
    fn counted(&mut self, size: usize) -> Result<&'a [u8], String> {
        let count = self.number(size)?;
        self.take(usize::try_from(count).map_err(|e| e.to_string())?)
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or("the pickle is cut short")?;
        let text = String::from_utf8_lossy(&rest[..end]).trim().to_string();
        self.at += end + 1;
        Ok(text)
    }

    fn push(&mut self, object: Object) -> Result<(), String> {
        if self.objects.len() >= MOST_OBJECTS {
            return Err(format!("more than {MOST_OBJECTS} objects"));
        }
        self.stack.push(self.objects.len());
        self.objects.push(object);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let least = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= least {
            return Err("a value is taken from an empty stack".into());
        }
        self.stack.pop().ok_or_else(|| "a value is taken from an empty stack".into())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| "a value is taken from an empty stack".into())
    }

    /// What is on the stack above the last mark.
    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Object::Tuple(items))
    }

    fn put(&mut self, index: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn fetch(&mut self, index: u64) -> Result<(), String> {
        let id = *self.memo.get(&index).ok_or_else(|| format!("object {index} is not there"))?;
        self.stack.push(id);
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()?;
        let pairs = items.as_chunks().0.iter().map(|&[key, value]| (key, value));
        if let Object::Dict(entries) = &mut self.objects[target] {
            entries.extend(pairs);
        }
        Ok(())
    }

    fn append(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()?;
        if let Object::List(entries) = &mut self.objects[target] {
            entries.extend(items);
        }
        Ok(())
    }

    /// Does what one instruction says.
    fn step(&mut self, code: u8) -> Result<(), String> {
        let text = |bytes: &[u8]| Object::Text(String::from_utf8_lossy(bytes).into());
        match code {
            // Versions and frames say nothing about the data.
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'K' => self.number(1).and_then(|value| self.push(Object::Int(value as i64))),
            b'M' => self.number(2).and_then(|value| self.push(Object::Int(value as i64))),
            b'J' => self.number(4).and_then(|value| self.push(Object::Int(i64::from(value as u32 as i32)))),
            0x8a => self.counted(1).and_then(|bytes| self.push(long(bytes))),
            0x8b => self.counted(4).and_then(|bytes| self.push(long(bytes))),
            b'G' => self.take(8).and_then(|_| self.push(Object::Other("a float".into()))),
            b'I' | b'L' => {
                let line = self.line()?;
                let object = match (line.as_str(), line.trim_end_matches('L').parse()) {
                    ("00", _) => Object::Bool(false),
                    ("01", _) => Object::Bool(true),
                    (_, Ok(value)) => Object::Int(value),
                    (_, Err(_)) => Object::Other("a large integer".into()),
                };
                self.push(object)
            }
            b'F' => self.line().and_then(|_| self.push(Object::Other("a float".into()))),
            b'S' => self.line().and_then(|line| self.push(Object::Text(line.trim_matches(['\'', '"']).into()))),
            b'V' => self.line().and_then(|line| self.push(Object::Text(line.into()))),
            b'X' | b'T' => self.counted(4).and_then(|bytes| self.push(text(bytes))),
            0x8c | b'U' => self.counted(1).and_then(|bytes| self.push(text(bytes))),
            0x8d => self.counted(8).and_then(|bytes| self.push(text(bytes))),
            b'B' => self.counted(4).and_then(|_| self.push(Object::Other("bytes".into()))),
            b'C' => self.counted(1).and_then(|_| self.push(Object::Other("bytes".into()))),
            0x8e | 0x96 => self.counted(8).and_then(|_| self.push(Object::Other("bytes".into()))),
            b')' => self.push(Object::Tuple(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x8f => self.push(Object::Other("a set".into())),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'1' => self.marked().map(drop),
            b'0' => self.pop().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b't' => self.marked().and_then(|items| self.push(Object::Tuple(items))),
            0x85..=0x87 => self.tuple(usize::from(code - 0x84)),
            b'l' => self.marked().and_then(|items| self.push(Object::List(items))),
            b'd' => {
                let items = self.marked()?;
                self.push(Object::Dict(Vec::new()))?;
                self.set_items(&items)
            }
            0x91 => self.marked().and_then(|_| self.push(Object::Other("a set".into()))),
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])
            }
            b'e' => {
                let items = self.marked()?;
                self.append(&items)
            }
            0x90 => self.marked().map(drop),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])
            }
            b'u' => {
                let items = self.marked()?;
                self.set_items(&items)
            }
            b'q' => self.number(1).and_then(|index| self.put(index)),
            b'r' => self.number(4).and_then(|index| self.put(index)),
            0x94 => self.put(self.memo.len() as u64),
            b'h' => self.number(1).and_then(|index| self.fetch(index)),
            b'j' => self.number(4).and_then(|index| self.fetch(index)),
            b'p' => self.line().and_then(|line| self.put(line.parse().map_err(|_| "an object without number")?)),
            b'g' => self.line().and_then(|line| self.fetch(line.parse().map_err(|_| "an object without number")?)),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module.into(), name.into())
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.objects[module], &self.objects[name]) {
                    (Object::Text(module), Object::Text(name)) => self.global(module.clone(), name.clone()),
                    _ => Err("a name that is no text".into()),
                }
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(storage)
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)
            }
            0x92 => {
                let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callable, arguments)
            }
            // The state of an object is not read: of what torch.save writes, only dictionaries have one, of versions.
            b'b' => self.pop().map(drop),
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.marked()?;
                harmless(&module, &name)?;
                self.push(Object::Other(format!("{module}.{name}")))
            }
            b'o' => self.marked().and_then(|_| self.push(Object::Other("an object".into()))),
            _ => Err(format!("instruction {code:#04x} is not used in files of weights")),
        }
    }

    fn global(&mut self, module: Rc<str>, name: Rc<str>) -> Result<(), String> {
        harmless(&module, &name)?;
        self.push(Object::Global(module, name))
    }

    /// What a call would give, of the few that weights consist of.
    fn call(&mut self, callable: Id, arguments: Id) -> Result<(), String> {
        let arguments = match &self.objects[arguments] {
            // No call that is known takes more; a tuple may be long, and used often.
            Object::Tuple(items) => items.iter().take(5).copied().collect::<Vec<_>>(),
            _ => return Err("a call without a tuple of arguments".into()),
        };
        let Object::Global(module, name) = &self.objects[callable] else {
            return self.push(Object::Other("the result of a call".into()));
        };
        match (&**module, &**name, &arguments[..]) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
                let tensor = self.tensor(*storage, *offset, *shape, *strides)?;
                self.push(tensor)
            }
            // A parameter is its tensor.
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state", [tensor, ..])
            | ("torch.nn.parameter", "Parameter", [tensor, ..])
            | ("torch", "Size", [tensor]) => {
                self.stack.push(*tensor);
                Ok(())
            }
            // A list is used up: one that is used again would multiply.
            ("collections", "OrderedDict", [list]) if matches!(self.objects[*list], Object::List(_)) => {
                let items = match std::mem::replace(&mut self.objects[*list], Object::None) {
                    Object::List(items) => items,
                    _ => Vec::new(),
                };
                let pairs = items.iter().filter_map(|item| self.pair(*item)).collect();
                self.push(Object::Dict(pairs))
            }
            ("collections", "OrderedDict" | "defaultdict", _) => self.push(Object::Dict(Vec::new())),
            _ => {
                let what = format!("{module}.{name}");
                self.push(Object::Other(what))
            }
        }
    }

    fn pair(&self, id: Id) -> Option<(Id, Id)> {
        match &self.objects[id] {
            Object::Tuple(items) | Object::List(items) => match items[..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `('storage', type, key, device, count)`.
    fn storage(&self, id: Id) -> Result<Object, String> {
        let unknown = || "a reference to something other than a storage".to_string();
        let Object::Tuple(items) = &self.objects[id] else { return Err(unknown()) };
        let [tag, kind, key, ..] = items[..] else { return Err(unknown()) };
        match (&self.objects[tag], &self.objects[kind], &self.objects[key]) {
            (Object::Text(tag), Object::Global(_, kind), Object::Text(key)) if &**tag == "storage" => {
                Ok(Object::Storage { kind: kind.clone(), key: key.clone() })
            }
            _ => Err(unknown()),
        }
    }

    fn tensor(&self, storage: Id, offset: Id, shape: Id, strides: Id) -> Result<Object, String> {
        let Object::Storage { kind, key } = &self.objects[storage] else {
            return Err("a tensor without a storage".into());
        };
        let size = |id: Id| match self.objects[id] {
            Object::Int(value) => usize::try_from(value).map_err(|_| format!("a tensor of size or stride {value}")),
            _ => Err("a tensor whose sizes are no integers".into()),
        };
        let sizes = |id: Id| match &self.objects[id] {
            Object::Tuple(items) | Object::List(items) => {
                items.iter().take(MOST_AXES + 1).map(|item| size(*item)).collect()
            }
            _ => Err("a tensor without a shape".to_string()),
        };
        let (offset, shape, strides): (_, Vec<usize>, Vec<usize>) = (size(offset)?, sizes(shape)?, sizes(strides)?);
        if shape.len() != strides.len() || shape.len() > MOST_AXES {
            return Err(format!("a tensor with {} sizes and {} strides", shape.len(), strides.len()));
        }
        Ok(Object::Tensor(TensorView { kind: kind.clone(), key: key.clone(), offset, shape, strides }))
    }
}

/// Refuses names of what runs code when a pickle is loaded by Python.
fn harmless(module: &str, name: &str) -> Result<(), String> {
    if module.len().max(name.len()) > LONGEST_NAME {
        return Err(format!("a name of more than {LONGEST_NAME} letters"));
    }
    let first = module.split('.').next().unwrap_or("");
    let is_builtin = ["builtins", "__builtin__", "__builtins__"].contains(&first);
    if DANGEROUS.contains(&first) || is_builtin && !HARMLESS.contains(&name) {
        return Err(format!(
            "it calls {module}.{name}, which no file of weights needs; nothing was run; do not trust this file"
        ));
    }
    Ok(())
}

/// An integer of any number of bytes, least significant first.
fn long(bytes: &[u8]) -> Object {
    if bytes.len() > 8 {
        return Object::Other("a large integer".into());
    }
    let mut all = if bytes.last().is_some_and(|last| last & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
    all[..bytes.len()].copy_from_slice(bytes);
    Object::Int(i64::from_le_bytes(all))
}
