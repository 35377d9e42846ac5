//! Words of the formats, which mutations insert.

/// OpenQASM 2 and 3.
#[rustfmt::skip]
pub const QASM: &[&str] = &[
    "q", "q[0]", "q[1]", "c", "c[0]", "$0", "$99999", "pi", "-", "+", "*", "/", "^", "**", "(", ")", "[", "]", "{",
    "}", ";", ",", ":", "@", "==", "=", "->", "!", "&&", "||", "<", "0", "1", "2", "-1", "1e308", "1e-320", "0x1f",
    ".5", "99999999999999999999", "h", "cx", "u3", "U", "rx", "gphase", "ctrl", "negctrl", "inv", "pow", "ctrl(3)",
    "pow(-2)", "pow(0.5)", "gate", "opaque", "if", "else", "for", "in", "int", "measure", "reset", "barrier",
    "delay[3ns]", "qreg", "creg", "qubit", "bit", "input", "float", "const", "include", "\"qelib1.inc\"", "OPENQASM",
    "3.0", "2.0", "box", "defcal", "cal", "#pragma", "@note", "//", "/*", "*/", "\"", "true", "sin", "mod", "θ",
    "\u{feff}", "\n", "gate g a", "for int i in [0:3]", "{ x q; }", "if (c == 1)", "if (c[0] && !c[1])", "def",
    "while", "dt", "ns", "'", "'stdgates.inc'", "\"01\"", "~", "&", "|", "<<", ">>", "int[2](c)", "uint[2](c)",
    "bool(c)", "sizeof(q)", "popcount(c)", "c[-1]", "c[0:1]", "const bit[2] b = \"10\";",
    "const duration d = 2*10ns;", "delay[d + 5ns]", "ctrl(9)", "if (c < 2) { x q; } else", "cal {", "@note \"",
    "ctrl(12) @", "qubit[4096] r;", "x q;", "barrier q;", "if (c == 1 && c == 0)", "h r;",
    "int[4] n = 3;", "uint[3] n = c;", "n += 1;", "n *= n;", "c = n;", "bool b = c[0];", "while (c[0])", "while (n < 3)",
    "break;", "continue;", "end;", "return", "def f(int a) -> int { return a + 1; }", "n = f(n);", "measure q;", "let a =",
    "a ++ q", "q[{0, 1}]", "switch (n) { case 1 { x q; } default { h q; } }", "array[uint[4], 2] a = {1, 2};", "a[0] = 3;",
    "a[n]", "angle[4] t = pi;", "t <<= 1;", "rx(t) q[0];", "output bit[2] o;", "output uint[3] m;", "extern e(int) -> int;",
    "complex[float] z = 2im;", "stretch s;", "c[0] = !c[1];", "c = c << 1;", "for bit b in c", "c ^= \"01\";",
];

/// Circuit JSON.
#[rustfmt::skip]
pub const CIRCUIT_JSON: &[&str] = &[
    "0", "1", "2", "-1", "64", "65", "1e308", "1e-320", "0.5", "18446744073709551615", "18446744073709551616", "null",
    "true", "\"\"", "\"x\"", "\"cx\"", "\"u\"", "\"iswap\"", "\"gate\"", "\"measure\"", "\"reset\"", "\"barrier\"",
    "\"delay\"", "\"unitary\"", "\"global_phase\"", "\"controls\":", "\"controls\":2,", "\"qubits\":", "\"bits\":",
    "\"condition\":", "\"value\":", "\"params\":", "\"slot\":", "\"fixed\":", "\"seconds\":", "\"rows\":", "{", "}",
    "[", "]", ",", ":", "[[1,0],[0,0]]", "{\"bits\":[0],\"value\":1}", "{\"fixed\":0.5}", "\n",
];

/// Any JSON.
#[rustfmt::skip]
pub const JSON: &[&str] = &[
    "0", "-1", "1e308", "1e999", "0.5", "null", "true", "false", "\"\"", "\"x\"", "[]", "{}", "[[]]", "{", "}", "[",
    "]", ",", ":", "\"a\":", "\"name\":", "NaN", "Infinity", "-Infinity", "\"\\u0000\"", "\"\\ud800\"",
    "18446744073709551616", "-9223372036854775809",
];

/// Snapshots of devices.
#[rustfmt::skip]
pub const DEVICE: &[&str] = &[
    "0", "-1", "null", "true", "1e308", "NaN", "[]", "[[0,1]]", "[0,0]", "\"cx\"", "\"rz\"", "\"id\"", "\"ecr\"",
    "\"same_as\": \"sx\",", "\"on\": [[0,1]],", "\"on\": [],", "\"both_directions\": true,", "\"error\":",
    "\"length_ns\":", "\"faulty\": [0],", "\"t1_us\":", "\"qubits\": 100000,", "\"qubits\":",
    "\"zz\": {\"pairs\": [[0,1]], \"shift_khz\": [1]},", "\"coordinates\": [[0,0]],",
    "\"timing\": {\"granularity\": 0, \"min_length\": 0, \"pulse_alignment\": 0, \"acquire_alignment\": 0},",
    "\"layer_fidelity\": {\"qubits\": [[0,1]], \"value\": [0.5]},", "\"processor\":", "\"unit\"", "\"us\"", "\"GHz\"",
    "\"gate_length\"", "\"gate_error\"", "\"T1\"", "\"basis_gates\":", "\"coupling_map\": [[0,1]],",
    "\"coupling_map\": null,", "\"parameters\": [],", "\"gate\": \"cx\",", "Q0,", "0_1:0.01", "1:0.01;2:0.02", ",,",
    "No", "Yes",
];

/// Noise lists and noise models of Aer.
#[rustfmt::skip]
pub const NOISE: &[&str] = &[
    "0", "1", "-1", "0.5", "1e308", "null", "[]", "[[]]", "\"depol\": 1,", "\"depol\":",
    "\"relax\": [[1e-4,1e-4,1e-7]],", "\"relax\":", "\"cx 0 1\"", "\"cx 0 0\"", "\"cx 18446744073709551615 1\"",
    "\"readout\": [0.1,0.2],", "\"readout_p10_p01\":", "\"one_qubit_gates\":", "\"two_qubit_gates\":", "\"errors\":",
    "\"type\": \"qerror\"", "\"roerror\"", "\"qubits\": [18446744073709551615]", "\"qubits\": [0,0]",
    "\"qubits\": []", "\"gate_qubits\": [[0,1]]", "\"gate_qubits\": []", "\"pauli\"", "\"XYZI\"",
    "\"IIIIIIIIIIIIIIIIIIIIIIIIIIII\"", "\"kraus\"", "\"unitary\"", "\"reset\"", "\"id\"", "\"measure\"", "\"cx\"",
    "\"params\": []", "\"probabilities\": [1.0]", "[[1.0,0.0],[0.0,0.0]]",
];

/// Observables.
#[rustfmt::skip]
pub const OBSERVABLE: &[&str] = &[
    "X0", "Y1", "Z63", "Z64", "I0", "+", "-", "*", "1e308", "1e-320", "nan", "inf", "e", "E", "-e", "e+", "1e", " ",
    "0.5", "Z18446744073709551615", "Z99999999999999999999", "Ä0",
];

/// Settings and suites.
#[rustfmt::skip]
pub const TOML: &[&str] = &[
    "= 0", "= -1", "= 1e308", "= nan", "= inf", "= true", "= \"\"", "= []", "= [[]]", "= {}", "[a]", "[[a]]",
    "[vary]", "vary = { seeds = [[0], [1]] }", "\"circuit.qubits\" = [2, 4]", "[[exclude]]", "seeds = []",
    "seeds = [0, 0]", "seeds = [9223372036854775807]", "format =", "depth = 1000000000", "qubits = 64",
    "epochs = 1000000000000", "batch = 1000000000000", "name = \"x\"", "heads = [\"quantum\"]", "arms = []",
    "devices = [\"manila\", \"manila\"]", "scales = [1e300]", "shots = [0]", "\"\"\"", "'''", "#", ".", "-",
    "1979-05-27T07:32:00Z", "0x7fffffffffffffff", "= { name = \"adam\", beta1 = -5 }", "every = 0", "factor = nan",
    "presets = [\"quick\"]", "system = \"soh\"", "system = \"forest\"", "[runs.a]", "[common.qtl]", "[runs.\"..\"]",
];

/// Tables in text.
#[rustfmt::skip]
pub const TABLE: &[&str] = &[
    ",", ";", "\t", "|", "\n", "\r\n", "\"", "\"\"", "?", "NA", "NaN", "<null>", "inf", "-", "1,5", "1.234,5",
    "1'234", "5 kg", "(5)", "$3", "%", "1e400", "sep=;\n", "@attribute", "@attribute a real", "@attribute b {x, y}",
    "@inputs", "@output", "@data", "@relation", "class", "label", "﻿", "é", "%x", "=1+1", "9e999999999",
];

/// Headers of .npy and safetensors files.
#[rustfmt::skip]
pub const ARRAYS: &[&str] = &[
    "'descr':", "'<f4'", "'>f8'", "'<i8'", "'|u1'", "'|S4096'", "'<U4096'", "'|O'", "'<f2'", "'fortran_order': True",
    "'shape':", "(4, 2)", "(0, 2)", "(4,)", "()", "(9223372036854775807, 2)", "(4, 0)", "\u{93}NUMPY",
    "\"dtype\":\"F64\"", "\"F16\"", "\"I64\"", "\"U8\"", "\"BOOL\"", "\"shape\":[0,2]", "\"shape\":[]",
    "\"shape\":[18446744073709551615,2]", "\"data_offsets\":[0,0]", "\"data_offsets\":[0,18446744073709551615]",
    "\"__metadata__\":{\"classes\":\"a,b\"}", "\"classes\":\"[1,2]\"", "train.", "val_", "X", "y", "groups", "labels",
    "features", "classes",
];

/// Instructions of pickles, and what `torch.save` writes.
#[rustfmt::skip]
pub const PICKLE: &[&str] = &[
    "(", "t", "R", "Q", "}", "]", "s", "u", "b", ".", "e", "a", "N", "0", "1", "2", "K\u{1}", "M", "J\0\0\0", "h\0",
    "q\0", "r", "j", "X\u{4}\0\0\0abcd", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n",
    "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n", "ccollections\nOrderedDict\n",
    "cbuiltins\neval\n", "state_dict", "data.pkl", "byteorder", "constants.pkl", ")", "I01\n",
    "L99999999999999999999L\n", "F1e999\n", "storage", "cpu",
];

/// Annotations and lists of pictures with boxes.
#[rustfmt::skip]
pub const XML: &[&str] = &[
    "<object>", "</object>", "<size>", "<width>", "<height>", "<bndbox>", "<xmin>", "nan", "1e308", "-1", "0",
    "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>", "&c;", "&b;", "&#0;",
    "<![CDATA[", "]]>", "<?xml version=\"1.0\" encoding=\"utf-16\"?>", "<!--", "one", "two", "\n", "\t", " ",
];

/// Chunks and marks of picture files.
#[rustfmt::skip]
pub const PICTURE: &[&str] = &[
    "IHDR", "IDAT", "IEND", "PLTE", "tRNS", "iCCP", "zTXt", "eXIf", "acTL", "fcTL", "fdAT", "GIF89a", "NETSCAPE2.0",
    "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "BM", "II*\0", "MM\0*", "Exif\0\0", "JFIF",
];

/// Types and values of elements of DICOM files, and tags whose bytes are letters.
#[rustfmt::skip]
pub const DICOM: &[&str] = &[
    "(\0\u{10}\0US\u{2}\0", "(\0\u{11}\0US\u{2}\0", "(\0\u{8}\0IS\u{2}\u{0}1 ", "(\0P\u{10}DS\u{4}\0-1e9", "(\0Q\u{10}DS\u{2}\u{0}0 ", "(\0S\u{10}DS\u{4}\u{0}1e38",
    "(\0\u{0}0SQ\0\0", "SQ", "UN", "OW\0\0", "OB\0\0", "DS", "IS", "US", "UI", "\\", "nan", "inf", "1e308", "-1", "0", "MONOCHROME1 ", "MONOCHROME2 ",
    "LINEAR_EXACT", "SIGMOID ", "1.2.840.10008.1.2\0", "1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.2\0", "1.2.840.10008.1.2.5\0", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.70",
    "n+1\0", "ni1\0", "\u{5c}\u{1}\0\0", "\u{7f}\u{7f}",
];

/// Extended XYZ.
#[rustfmt::skip]
pub const EXTENDED_XYZ: &[&str] = &[
    "1", "2", "0", "-1", "1e308", "nan", "inf", "H", "O", "C", "Xx", "118", "Properties=species:S:1:pos:R:3", ":forces:R:3",
    "forces:R:0", "pos:R:99999999999", "energy=", "energy=-1.5", "Lattice=\"1 0 0 0 1 0 0 0 1\"", "Lattice=\"0 0 0 0 0 0 0 0 0\"",
    "pbc=\"T T T\"", "pbc=\"F\"", "molecule=", "=", "\"", "{", "}", "\n", "\n\n", "\t", " ", "T", "18446744073709551615",
];

/// Headers of EDF.
#[rustfmt::skip]
pub const EDF: &[&str] = &[
    "0       ", "1       ", "-1      ", "99999999", "1e308   ", "EDF+C", "EDF+D", "BDF+C", "BIOSEMI", "EDF Annotations ",
    "BDF Annotations ", "32767   ", "-32768  ", "0.0     ", "\u{14}", "\u{15}", "\u{0}", "+0\u{14}\u{14}\u{0}", "+1e9\u{15}2\u{14}seizure\u{14}\u{0}",
];
