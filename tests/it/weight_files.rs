//! Files of weights: what `torch.save` writes is read as PyTorch reads it, and no file makes the reader fail.

use std::fs;

use candle_core::Tensor;
use qgraft::nn::{NnError, Weights};

use crate::support::archive::{deflated, stored};

/// A pickle under construction, by the instructions that `torch.save` uses (Python's `pickletools`).
#[derive(Clone, Default)]
struct Pickle(Vec<u8>);

impl Pickle {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    fn int(self, value: i32) -> Self {
        self.raw(b"J").raw(&value.to_le_bytes())
    }

    fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    fn ints(self, values: &[i32]) -> Self {
        values.iter().fold(self.raw(b"("), |pickle, value| pickle.int(*value)).raw(b"t")
    }

    /// A tensor of a storage `key` of this type.
    fn tensor(self, kind: &str, key: &str, (offset, shape, strides): (i32, &[i32], &[i32])) -> Self {
        let storage = self
            .global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", kind)
            .text(key)
            .text("cpu")
            .int(4)
            .raw(b"tQ");
        storage.int(offset).ints(shape).ints(strides).raw(b"\x89").global("collections", "OrderedDict").raw(b")RtR")
    }
}

/// `{"w": tensor}` of this view of storage 0.
pub(crate) fn one(kind: &str, view: (i32, &[i32], &[i32])) -> Vec<u8> {
    Pickle::default().raw(b"\x80\x02}").text("w").tensor(kind, "0", view).raw(b"s.").0
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The archive of a pickle and storage 0.
fn archive(root: &str, pickle: Vec<u8>, storage: Vec<u8>) -> Vec<u8> {
    stored(&[
        (&format!("{root}/data.pkl"), pickle),
        (&format!("{root}/data/0"), storage),
        (&format!("{root}/version"), b"3\n".to_vec()),
    ])
}

fn read(bytes: &[u8], name: &str) -> Result<Weights, NnError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    Weights::read(&path)
}

fn flat(tensor: &Tensor) -> (Vec<usize>, Vec<f32>) {
    (tensor.dims().to_vec(), tensor.flatten_all().unwrap().to_vec1().unwrap())
}

#[test]
fn a_tensor_of_any_strides_is_read_in_its_own_order() {
    let counted: Vec<f32> = (0..24).map(|k| k as f32).collect();
    // Offset, shape, strides, and the elements of the storage in the order of the tensor.
    let permuted = |place: &dyn Fn(usize, usize, usize, usize) -> usize, [a, b, c, d]: [usize; 4]| -> Vec<f32> {
        let mut values = Vec::new();
        for i in 0..a {
            for j in 0..b {
                for k in 0..c {
                    values.extend((0..d).map(|l| place(i, j, k, l) as f32));
                }
            }
        }
        values
    };
    type Case<'a> = ((i32, &'a [i32], &'a [i32]), Vec<f32>);
    let cases: [Case; 6] = [
        ((0, &[2, 3], &[3, 1]), vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ((0, &[2, 3], &[1, 2]), vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0]),
        ((1, &[2, 2], &[4, 2]), vec![1.0, 3.0, 5.0, 7.0]),
        ((5, &[], &[]), vec![5.0]),
        ((0, &[0, 3], &[3, 1]), vec![]),
        // Channels last: (2, 3, 2, 2) in the order 0, 2, 3, 1.
        ((0, &[2, 3, 2, 2], &[12, 1, 6, 3]), permuted(&|i, j, k, l| 12 * i + j + 6 * k + 3 * l, [2, 3, 2, 2])),
    ];
    for (view, expected) in cases {
        let weights = read(&archive("archive", one("FloatStorage", view), floats(&counted)), "a.pth").unwrap();
        let shape: Vec<usize> = view.1.iter().map(|side| *side as usize).collect();
        assert_eq!(flat(weights.get("w").unwrap()), (shape, expected), "{view:?}");
    }
}

#[test]
fn every_type_of_float_and_every_folder_name_is_read() {
    let types: [(&str, Vec<u8>); 4] = [
        ("HalfStorage", [0x3800u16, 0xc000].iter().flat_map(|bits| bits.to_le_bytes()).collect()),
        ("BFloat16Storage", [0x3f00u16, 0xc000].iter().flat_map(|bits| bits.to_le_bytes()).collect()),
        ("FloatStorage", floats(&[0.5, -2.0])),
        ("DoubleStorage", [0.5f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect()),
    ];
    for (kind, storage) in types {
        let weights = read(&archive("archive", one(kind, (0, &[2], &[1])), storage), "a.bin").unwrap();
        assert_eq!(flat(weights.get("w").unwrap()), (vec![2], vec![0.5, -2.0]), "{kind}");
    }
    let integers = read(&archive("a", one("LongStorage", (0, &[1], &[1])), vec![0; 8]), "a.pt").unwrap();
    assert_eq!(integers.iter().count(), 0, "counters are left out");
    // torch.save names the folder after the file. One zip reader failed at exactly 21 letters.
    for length in 1..64 {
        let root = "x".repeat(length);
        for ending in ["pth", "pt", "bin", "ckpt", "pkl", "weights"] {
            let bytes = archive(&root, one("FloatStorage", (0, &[2], &[1])), floats(&[0.5, -2.0]));
            assert!(read(&bytes, &format!("a.{ending}")).is_ok(), "{length} letters, .{ending}");
        }
    }
    let pickle = one("FloatStorage", (0, &[2], &[1]));
    let packed = deflated(&[("a/data.pkl", pickle), ("a/data/0", floats(&[0.5, -2.0]))]);
    assert!(read(&packed, "repacked.pth").is_ok());
}

#[test]
fn checkpoints_of_trainers_are_searched_for_their_weights() {
    let tensor = |pickle: Pickle, name: &str| pickle.text(name).tensor("FloatStorage", "0", (0, &[2], &[1])).raw(b"s");
    let inner = |names: &[&str]| names.iter().fold(Pickle::default().raw(b"}"), |pickle, name| tensor(pickle, name)).0;
    let entry = |key: &str, value: &[u8]| Pickle::default().text(key).raw(value).raw(b"s").0;
    let outer = |entries: &[Vec<u8>]| [&b"\x80\x02}"[..], &entries.concat(), b"."].concat();
    let names = ["conv.weight", "conv.bias"];
    let optimiser = entry("optimizer", &inner(&["0"]));
    let epoch = entry("epoch", b"K\x05");
    let prefixed = |prefix: &str| names.map(|name| format!("{prefix}{name}"));
    for key in ["model", "state_dict", "model_state_dict", "net", "anything"] {
        for prefix in ["", "module.", "model.", "_orig_mod.", "model.module."] {
            let wrapped = prefixed(prefix);
            let weights = inner(&wrapped.each_ref().map(String::as_str));
            let bytes = outer(&[epoch.clone(), optimiser.clone(), entry(key, &weights)]);
            let found = read(&archive("archive", bytes, floats(&[0.5, -2.0])), "epoch.ckpt").unwrap();
            let found: Vec<&str> = found.iter().map(|(name, _)| name).collect();
            assert_eq!(found, ["conv.bias", "conv.weight"], "key {key}, prefix {prefix}");
        }
    }
    // Weights come before their moving average, and a prefix that few names have is part of the name.
    let bytes = outer(&[entry("ema", &inner(&["old"])), entry("state_dict", &inner(&["model.a", "b", "c"]))]);
    let found = read(&archive("archive", bytes, floats(&[0.5, -2.0])), "a.ckpt").unwrap();
    assert_eq!(found.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "c", "model.a"]);
    let bytes = outer(&[epoch, optimiser]);
    let error = read(&archive("archive", bytes, Vec::new()), "a.ckpt").unwrap_err().to_string();
    assert!(error.contains("no tensors by name; it holds `epoch` and `optimizer`"), "{error}");
}

#[test]
fn what_is_not_weights_is_named() {
    let whole = |class: &str| {
        let pickle = Pickle::default().raw(b"\x80\x02").global("torchvision.models.resnet", class).raw(b")\x81}b.").0;
        archive("archive", pickle, Vec::new())
    };
    let old = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    let view =
        |shape: &[i32], strides: &[i32]| archive("a", one("FloatStorage", (0, shape, strides)), floats(&[0.0; 4]));
    let nan = archive("a", one("FloatStorage", (0, &[2], &[1])), floats(&[0.5, f32::NAN]));
    let system = Pickle::default().raw(b"\x80\x02").global("os", "system").raw(b"(").text("true").raw(b"tR.").0;
    let evaluate = Pickle::default().raw(b"\x80\x02").global("builtins", "eval").raw(b"(").text("1").raw(b"tR.").0;
    let nested = [&b"\x80\x02"[..], &b"(".repeat(100_000), b"."].concat();
    let deep = [&b"\x80\x02]"[..], &b"]a".repeat(100_000), b"."].concat();
    let cases: [(&str, Vec<u8>, &str); 19] = [
        (
            "a.pth",
            whole("ResNet"),
            "an object (torchvision.models.resnet.ResNet), not weights by name; save model.state_dict()",
        ),
        ("a.pth", old.to_vec(), "before version 1.6"),
        ("a.pkl", b"\x80\x04}.".to_vec(), "a plain pickle"),
        ("a.h5", b"\x89HDF\r\n\x1a\n........".to_vec(), "HDF5"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n".to_vec(), "git lfs pull"),
        ("a.pth", b"<!DOCTYPE html><html>".to_vec(), "a web page"),
        ("a.pth", Vec::new(), "the file is empty"),
        ("a.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{".to_vec(), "not a whole safetensors file"),
        ("a.pth", nan, "tensor w holds NaN at element 1"),
        ("a.pth", view(&[4, 10240], &[1, 4]), "exceeds its storage of 4 elements"),
        ("a.pth", view(&[i32::MAX, i32::MAX], &[i32::MAX, 1]), "exceeds its storage"),
        ("a.pth", view(&[-1], &[1]), "a tensor of size or stride -1"),
        ("a.pth", view(&[100], &[0]), "exceeds its storage"),
        ("a.pth", archive("a", one("QInt8Storage", (0, &[1], &[1])), vec![0]), "type QInt8Storage are not read"),
        ("a.pth", archive("a", system, Vec::new()), "it calls os.system"),
        ("a.pth", archive("a", evaluate, Vec::new()), "it calls builtins.eval"),
        ("a.pth", archive("a", nested, Vec::new()), "empty stack"),
        ("a.pth", archive("a", deep, Vec::new()), "no dictionary of weights"),
        ("a.pt", stored(&[("a/constants.pkl", Vec::new()), ("a/data.pkl", Vec::new())]), "TorchScript"),
    ];
    for (name, bytes, message) in cases {
        let error = read(&bytes, name).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(message), "{error}");
    }
}
