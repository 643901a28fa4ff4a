//! PyTorch's pickles read as data: nothing in them is ever executed.
//!
//! A pickle is a program for a small stack machine. This reader knows the instructions that `torch.save`
//! writes (protocol 2, and the newer forms of the same), keeps strings as parts of the input, and builds only
//! what a checkpoint of tensors is made of (see `objects`). Calling anything else is an error that names it.
//! What it allocates is in proportion to the length of the input, and it never recurses.

mod cursor;
mod objects;
mod opcode;

use std::collections::HashMap;

use cursor::Cursor;
pub(super) use objects::{Heap, Storage, Tensor, Value};
use opcode as op;

/// More instructions than the table of contents of any real checkpoint has (about 60 per tensor).
const MAX_INSTRUCTIONS: usize = 1 << 23;

/// The newest pickle protocol whose instructions are known here.
const MAX_PROTOCOL: u8 = 5;

/// Why a pickle is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The input ends before the pickle does.
    #[error("its table of contents is cut off at byte {at}: download it again")]
    Truncated {
        /// How many bytes there were.
        at: usize,
    },
    /// An instruction that no checkpoint contains.
    #[error("its table of contents is damaged (instruction 0x{code:02x} at byte {at}): download it again")]
    Instruction {
        /// The instruction's byte.
        code: u8,
        /// Where it is, counted from the start of the pickle.
        at: usize,
    },
    /// An instruction applied to values that it does not fit.
    #[error("its table of contents is damaged ({what} at byte {at}): download it again")]
    Malformed {
        /// What was expected and not found.
        what: &'static str,
        /// Where, counted from the start of the pickle.
        at: usize,
    },
    /// A call of something that is not part of a tensor.
    #[error(
        "it calls '{name}', which is not something a checkpoint of tensors contains, and it was not \
         executed: if you trust the file, load its state dict in Python and save that with safetensors"
    )]
    Foreign {
        /// The Python name, module first.
        name: String,
    },
    /// A table of contents too long to be real.
    #[error(
        "its table of contents has over {MAX_INSTRUCTIONS} instructions: this is not a model's checkpoint"
    )]
    TooLong,
}

/// What a pickle describes.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    /// The outermost value.
    pub(super) top: Value<'a>,
    /// What the values refer to.
    pub(super) heap: Heap<'a>,
    /// The pickle's own length in bytes; input may follow it.
    pub(super) len: usize,
}

/// Reads the pickle at the start of the input.
pub(super) fn read(input: &[u8]) -> Result<Pickle<'_>, PickleError> {
    let mut machine = Machine {
        input: Cursor::new(input),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::default(),
    };
    for _ in 0..MAX_INSTRUCTIONS {
        let code = machine.input.byte()?;
        if code == op::STOP {
            let top = machine.pop()?;
            return Ok(Pickle { top, len: machine.input.at(), heap: machine.heap });
        }
        let known = machine.literal(code)? || machine.container(code)? || machine.object(code)?;
        if !known {
            return Err(PickleError::Instruction { code, at: machine.input.at() - 1 });
        }
    }
    Err(PickleError::TooLong)
}

struct Machine<'a> {
    input: Cursor<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at which groups of values begin.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    heap: Heap<'a>,
}

impl<'a> Machine<'a> {
    /// Instructions that carry a value with them, or say how the rest is written.
    fn literal(&mut self, code: u8) -> Result<bool, PickleError> {
        let value = match code {
            op::PROTO => return self.protocol(),
            op::FRAME => return self.input.take(8).map(|_| true),
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BININT => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            op::BININT1 => Value::Int(self.input.byte()?.into()),
            op::BININT2 => Value::Int(u16::from_le_bytes(self.input.array()?).into()),
            op::LONG1 => self.long()?,
            op::BINFLOAT => self.input.take(8).map(|_| Value::Opaque)?,
            op::BINUNICODE | op::BINSTRING => self.text::<4>()?,
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING => self.text::<1>()?,
            op::GLOBAL => Value::Global { module: self.input.line()?, name: self.input.line()? },
            _ => return Ok(false),
        };
        self.stack.push(value);
        Ok(true)
    }

    /// Instructions that build tuples, lists and dictionaries.
    fn container(&mut self, code: u8) -> Result<bool, PickleError> {
        match code {
            op::MARK => self.marks.push(self.stack.len()),
            op::EMPTY_DICT => {
                let dict = self.heap.new_dict();
                self.stack.push(dict);
            }
            op::EMPTY_LIST => {
                let list = self.heap.new_list();
                self.stack.push(list);
            }
            op::EMPTY_TUPLE => self.tuple_of(0)?,
            op::TUPLE1 => self.tuple_of(1)?,
            op::TUPLE2 => self.tuple_of(2)?,
            op::TUPLE3 => self.tuple_of(3)?,
            op::TUPLE => {
                let items = self.pop_to_mark()?;
                self.push_tuple(items);
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            op::APPENDS => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            op::SETITEMS => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that remember values, and that make objects of what was read.
    fn object(&mut self, code: u8) -> Result<bool, PickleError> {
        match code {
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => {
                let key = self.memo_key(code)?;
                self.memo.insert(key, self.top()?);
            }
            op::BINGET | op::LONG_BINGET => {
                let key = self.memo_key(code)?;
                let value = self.memo.get(&key).copied();
                self.stack.push(value.ok_or_else(|| self.malformed("a reference to nothing"))?);
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Str(module), Value::Str(name)) = (module, name) else {
                    return Err(self.malformed("a name that is not text"));
                };
                self.stack.push(Value::Global { module, name });
            }
            op::BINPERSID => {
                let id = self.pop()?;
                let storage = self.heap.persistent(id, self.input.at())?;
                self.stack.push(storage);
            }
            op::REDUCE | op::NEWOBJ => {
                let (args, callee) = (self.pop()?, self.pop()?);
                let made = self.heap.call(callee, args, self.input.at())?;
                self.stack.push(made);
            }
            op::BUILD => self.build()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn protocol(&mut self) -> Result<bool, PickleError> {
        match self.input.byte()? {
            0..=MAX_PROTOCOL => Ok(true),
            _ => Err(self.malformed("an unknown protocol")),
        }
    }

    /// An integer of up to 16 bytes, the sign in its highest bit.
    fn long(&mut self) -> Result<Value<'a>, PickleError> {
        let n = self.input.byte()?.into();
        let bytes = self.input.take(n)?;
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut whole = [if negative { 0xFF } else { 0 }; 16];
        let Some(low) = whole.get_mut(..n) else { return Err(self.malformed("an integer of over 16 bytes")) };
        low.copy_from_slice(bytes);
        Ok(Value::Int(i128::from_le_bytes(whole)))
    }

    /// Text after its length.
    fn text<const N: usize>(&mut self) -> Result<Value<'a>, PickleError> {
        let mut length = [0; 8];
        length[..N].copy_from_slice(&self.input.array::<N>()?);
        let length = usize::try_from(u64::from_le_bytes(length));
        let length = length.map_err(|_| self.malformed("a text too long for this machine"))?;
        self.input.text(length).map(Value::Str)
    }

    /// State set on an object: a state dict's `_metadata` or a parameter's attributes. Neither is needed.
    fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) | Value::Tensor(_) => Ok(()),
            _ => Err(self.malformed("state of a plain value")),
        }
    }

    fn memo_key(&mut self, code: u8) -> Result<u32, PickleError> {
        match code {
            op::BINPUT | op::BINGET => self.input.byte().map(u32::from),
            op::MEMOIZE => u32::try_from(self.memo.len()).map_err(|_| PickleError::TooLong),
            _ => self.input.array().map(u32::from_le_bytes),
        }
    }

    fn tuple_of(&mut self, n: usize) -> Result<(), PickleError> {
        let start = self.stack.len().checked_sub(n);
        let items = self.stack.split_off(start.ok_or_else(|| self.malformed("a value too few"))?);
        self.push_tuple(items);
        Ok(())
    }

    fn push_tuple(&mut self, items: Vec<Value<'a>>) {
        let tuple = self.heap.new_tuple(items);
        self.stack.push(tuple);
    }

    fn append(&mut self, items: &[Value<'a>]) -> Result<(), PickleError> {
        let list = self.top()?;
        let malformed = self.malformed("items of something that is not a list");
        self.heap.list_mut(list).ok_or(malformed)?.extend_from_slice(items);
        Ok(())
    }

    /// Adds keys and values, which take turns in `items`, to the dictionary on top of the stack.
    fn set_items(&mut self, items: &[Value<'a>]) -> Result<(), PickleError> {
        let dict = self.top()?;
        let malformed = self.malformed("entries of something that is not a dictionary");
        let (pairs, rest) = items.as_chunks::<2>();
        let dict = self.heap.dict_mut(dict).filter(|_| rest.is_empty()).ok_or(malformed)?;
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn top(&self) -> Result<Value<'a>, PickleError> {
        self.stack.last().copied().ok_or_else(|| self.malformed("a value too few"))
    }

    fn pop(&mut self) -> Result<Value<'a>, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, PickleError> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(self.malformed("the end of a group without its beginning")),
        }
    }

    fn malformed(&self, what: &'static str) -> PickleError {
        PickleError::Malformed { what, at: self.input.at() }
    }
}
