#!/usr/bin/env bash
# No kernel calls a vector instruction as a function: fails naming caller and intrinsic where a release binary does. It
# happens where a closure or a function without #[inline(always)] is compiled for the oldest machine, and costs a factor
# of five; results stay right, so no other test sees it. Wants objdump; about a minute.
# Usage: CARGO_PROFILE_RELEASE_STRIP=debuginfo cargo build --release && tests/slow/inlined.sh [BINARY]
# (default: target/release/qgraft; without the variable a release program has no names of functions)
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${1:-target/release/qgraft}
if ! command -v objdump >/dev/null; then
    echo "skipped: objdump (binutils) is not here"
    exit 0
fi
if [[ ! -f $binary ]]; then
    echo "there is no $binary; cargo build --release makes it" >&2
    exit 2
fi

# Lines of a disassembly: "0000… <caller>:", then instructions such as "call 12ab <callee>". Reading the processor's
# features (cpuid, xgetbv) is no vector instruction. Half precision, of which qgraft has none, is called so inside candle
# and gemm: their callers, and their instructions wherever closures without a crate's name call them, are not ours. Nor is
# the table that aho_corasick, which finds words of tokenizers, builds once through a closure of `try_map`.
found=$(objdump --disassemble --demangle --no-show-raw-insn "$binary" | awk '
    /^[0-9a-f]+ <.*>:$/ { caller = $0; sub(/^[0-9a-f]+ </, "", caller); sub(/>:$/, "", caller); functions++ }
    /\t(call|jmp)q? / && /<.*(core_arch::.*|::_mm[0-9]*_[a-z0-9_]*)/ {
        callee = $0; sub(/^[^<]*</, "", callee); sub(/>$/, "", callee); sub(/\+0x[0-9a-f]+$/, "", callee)
        ours = callee !~ /cpuid|xgetbv|f16c|avx512bf16/ && caller !~ /candle_core::|gemm/
        ours = ours && !(caller ~ /^core::array::.*try_map/ && callee ~ /_mm256_loadu_si256/)
        if (ours && callee != caller) print caller " calls " callee
    }
    END { if (functions < 1000) print "only " functions + 0 " functions have names: build with CARGO_PROFILE_RELEASE_STRIP=debuginfo" }
' | sort | uniq -c)
if [[ -n $found ]]; then
    printf '%s\n' "$found" >&2
    echo "each of these should be one instruction: mark the caller, and what it is called from, #[inline(always)]" >&2
    exit 1
fi
echo "no vector instruction of $binary is called as a function"
