//! The built-in gate libraries: which gates a reader of each version may rely on, and what else we understand.

/// Files that can be included without a search.
pub(super) const FILES: [&str; 2] = ["qelib1.inc", "stdgates.inc"];

/// Gates of `qelib1.inc` as in the OpenQASM 2 paper (Cross et al. 2017, arXiv 1707.03429). Later additions differ from
/// tool to tool, so the writer defines those it uses.
pub(super) const QELIB1: &[&str] = &[
    "u3", "u2", "u1", "cx", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cz", "cy", "ch",
    "ccx", "crz", "cu1",
];

/// Gates of `stdgates.inc` (OpenQASM 3.0) and the built-in `U`, less those whose phase the standard and Qiskit disagree
/// on (`u3`) or that are older names of another (`u1`, `phase`, `cphase`, `CX`).
pub(super) const STDGATES: &[&str] = &[
    "U", "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "u2", "cx", "cy", "cz", "cp", "crx",
    "cry", "crz", "ch", "swap", "ccx", "cswap", "cu", "id",
];

/// Gates that Qiskit's extended library has and the gate table lacks, in terms of those it has. Phases are exact.
pub(super) const EXTENSIONS: &str = "\
gate u0(gamma) q { id q; }
gate cu3(theta, phi, lambda) a, b { cu(theta, phi, lambda, 0) a, b; }
gate cs a, b { cp(pi/2) a, b; }
gate csdg a, b { cp(-pi/2) a, b; }
gate csxdg a, b { h b; cp(-pi/2) a, b; h b; }
gate rc3x a, b, c, d {
  h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; cx a, d; t d; cx b, d; tdg d; h d; t d; cx c, d; tdg d;
  h d;
}
gate rcccx a, b, c, d { rc3x a, b, c, d; }
gate xx_plus_yy(theta, beta) a, b {
  rz(beta) a; rz(-pi/2) b; sx b; rz(pi/2) b; s a; cx b, a; ry(-theta/2) b; ry(-theta/2) a; cx b, a; sdg a; rz(-pi/2) b;
  sxdg b; rz(pi/2) b; rz(-beta) a;
}
gate xx_minus_yy(theta, beta) a, b {
  rz(-beta) b; rz(-pi/2) a; sx a; rz(pi/2) a; s b; cx a, b; ry(theta/2) a; ry(-theta/2) b; cx a, b; sdg b; rz(-pi/2) a;
  sxdg a; rz(pi/2) a; rz(beta) b;
}
";

/// Words that begin a statement of OpenQASM 3 about numbers, subroutines or the flow of control.
pub(super) fn is_classical(word: &str) -> bool {
    super::syntax::Type::named(word).is_some_and(|kind| kind != super::syntax::Type::Bit) || CLASSICAL.contains(&word)
}

#[rustfmt::skip]
const CLASSICAL: &[&str] = &[
    "array", "stretch", "const", "input", "output", "let", "def", "extern", "return", "while", "break", "continue",
    "switch", "end", "nop", "readonly", "mutable", "case", "default", "else",
];

/// Words of OpenQASM 3 that nothing can be called.
pub(super) fn is_keyword(word: &str) -> bool {
    is_classical(word) || KEYWORDS.contains(&word)
}

#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "OPENQASM", "include", "defcalgrammar", "cal", "defcal", "gate", "box", "if", "for", "in", "qreg", "creg", "qubit",
    "bit", "void", "gphase", "inv", "pow", "ctrl", "negctrl", "durationof", "delay", "reset", "measure", "barrier",
    "true", "false", "pragma", "pi", "π", "tau", "τ", "euler", "ℇ",
];
