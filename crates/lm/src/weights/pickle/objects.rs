//! The values a checkpoint is made of, and the few calls that build them.

use super::super::{Dtype, Element};
use super::PickleError;

/// Dimensions that PyTorch allows a tensor to have.
const MAX_RANK: usize = 64;

/// A value on the stack. Containers are indices into the [`Heap`], so that values which several others
/// share, or which contain themselves, cost nothing special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    Str(&'a str),
    /// Something that no tensor depends on.
    Opaque,
    /// A Python name, not yet called.
    Global {
        module: &'a str,
        name: &'a str,
    },
    Tuple(usize),
    List(usize),
    Dict(usize),
    Storage(usize),
    Tensor(usize),
}

/// A run of numbers somewhere else in the file.
#[derive(Debug, Clone)]
pub(in super::super) struct Storage<'a> {
    pub(in super::super) key: &'a str,
    pub(in super::super) element: Element,
    pub(in super::super) element_size: usize,
    pub(in super::super) n_elements: usize,
}

/// A view of a storage; offset and strides count elements.
#[derive(Debug, Clone)]
pub(in super::super) struct Tensor<'a> {
    pub(in super::super) storage: Storage<'a>,
    pub(in super::super) offset: usize,
    pub(in super::super) shape: Vec<usize>,
    pub(in super::super) strides: Vec<usize>,
}

/// What values refer to.
#[derive(Debug, Default)]
pub(in super::super) struct Heap<'a> {
    sequences: Vec<Vec<Value<'a>>>,
    dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    storages: Vec<Storage<'a>>,
    tensors: Vec<Tensor<'a>>,
}

impl<'a> Heap<'a> {
    pub(super) fn new_tuple(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::Tuple(self.sequences.len() - 1)
    }

    pub(super) fn new_list(&mut self) -> Value<'a> {
        self.sequences.push(Vec::new());
        Value::List(self.sequences.len() - 1)
    }

    pub(super) fn new_dict(&mut self) -> Value<'a> {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    /// The items of a tuple or list.
    pub(in super::super) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Tuple(index) | Value::List(index) => self.sequences.get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// The items of a list that is still being filled.
    pub(super) fn list_mut(&mut self, value: Value<'a>) -> Option<&mut Vec<Value<'a>>> {
        if let Value::List(index) = value { self.sequences.get_mut(index) } else { None }
    }

    /// The keys and values of a dictionary, in the order in which they were set.
    pub(in super::super) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        if let Value::Dict(index) = value { self.dicts.get(index).map(Vec::as_slice) } else { None }
    }

    pub(super) fn dict_mut(&mut self, value: Value<'a>) -> Option<&mut Vec<(Value<'a>, Value<'a>)>> {
        if let Value::Dict(index) = value { self.dicts.get_mut(index) } else { None }
    }

    pub(in super::super) fn tensor(&self, value: Value<'a>) -> Option<&Tensor<'a>> {
        if let Value::Tensor(index) = value { self.tensors.get(index) } else { None }
    }

    /// Every storage that the pickle mentions, once per mention.
    pub(in super::super) fn storages(&self) -> &[Storage<'a>] {
        &self.storages
    }

    /// What a call gives. `at` is for error messages.
    pub(super) fn call(
        &mut self,
        callee: Value<'a>,
        args: Value<'a>,
        at: usize,
    ) -> Result<Value<'a>, PickleError> {
        let malformed = |what| PickleError::Malformed { what, at };
        let Value::Global { module, name } = callee else { return Err(malformed("a call of a plain value")) };
        let args = self.items(args).ok_or_else(|| malformed("a call without arguments"))?;
        match (module, name) {
            ("collections", "OrderedDict") if args.is_empty() => Ok(self.new_dict()),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
                let tensor =
                    self.rebuild(args, name).ok_or_else(|| malformed("a tensor without a valid layout"))?;
                self.tensors.push(tensor);
                Ok(Value::Tensor(self.tensors.len() - 1))
            }
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => match args.first() {
                Some(&tensor @ Value::Tensor(_)) => Ok(tensor),
                _ => Err(malformed("a parameter that is not a tensor")),
            },
            _ => Err(PickleError::Foreign { name: format!("{module}.{name}") }),
        }
    }

    /// A tensor from (storage, offset, shape, strides, …); version 3 adds the type at the seventh place.
    fn rebuild(&self, args: &[Value<'a>], name: &str) -> Option<Tensor<'a>> {
        let &[Value::Storage(storage), offset, shape, strides, ..] = args else { return None };
        let mut storage = self.storages.get(storage)?.clone();
        if name == "_rebuild_tensor_v3" {
            let &Value::Global { name, .. } = args.get(6)? else { return None };
            storage.element = Element::Other(name.to_owned());
        }
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        (shape.len() == strides.len()).then_some(Tensor { storage, offset: size(offset)?, shape, strides })
    }

    fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        self.items(value).filter(|items| items.len() <= MAX_RANK)?.iter().map(|&item| size(item)).collect()
    }

    /// The storage that a persistent id stands for: ('storage', type, key, device, number of elements).
    pub(super) fn persistent(&mut self, id: Value<'a>, at: usize) -> Result<Value<'a>, PickleError> {
        let storage =
            self.storage(id).ok_or(PickleError::Malformed { what: "an unknown kind of storage", at })?;
        self.storages.push(storage);
        Ok(Value::Storage(self.storages.len() - 1))
    }

    fn storage(&self, id: Value<'a>) -> Option<Storage<'a>> {
        let &[Value::Str("storage"), Value::Global { name, .. }, Value::Str(key), _, n, ref rest @ ..] =
            self.items(id)?
        else {
            return None;
        };
        // The sixth place was used by PyTorch before 0.4 for storages within storages.
        if rest.iter().any(|&value| value != Value::None) {
            return None;
        }
        let (element, element_size) = element(name)?;
        Some(Storage { key, element, element_size, n_elements: size(n)? })
    }
}

fn size(value: Value<'_>) -> Option<usize> {
    if let Value::Int(value) = value { usize::try_from(value).ok() } else { None }
}

/// What the elements of one of PyTorch's storage classes are, and how many bytes each takes.
fn element(class: &str) -> Option<(Element, usize)> {
    let float = |dtype: Dtype| (Element::Float(dtype), dtype.size());
    let kind = class.strip_suffix("Storage")?;
    let size = match kind {
        "Double" => return Some(float(Dtype::F64)),
        "Float" => return Some(float(Dtype::F32)),
        "Half" => return Some(float(Dtype::F16)),
        "BFloat16" => return Some(float(Dtype::BF16)),
        "Byte" | "Char" | "Bool" | "QInt8" | "QUInt8" | "Untyped" => 1,
        "Short" => 2,
        "Int" | "QInt32" => 4,
        "Long" | "ComplexFloat" => 8,
        "ComplexDouble" => 16,
        _ => return None,
    };
    Some((Element::Other(kind.to_owned()), size))
}
