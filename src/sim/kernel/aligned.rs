//! Lists of numbers that start at a cache line: a register that straddles two lines takes twice as long to load.

use std::ops::{Deref, DerefMut};

use crate::sim::kernel::float::Float;

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// A list of fixed length that starts at a multiple of 64 bytes.
pub struct Aligned<F> {
    /// Never grows, so that its numbers stay where they are.
    all: Vec<F>,
    first: usize,
    length: usize,
}

impl<F: Float> Aligned<F> {
    pub fn zeros(length: usize) -> Self {
        let spare = LINE / size_of::<F>();
        let all = vec![F::ZERO; length + spare];
        // Any position is right, an aligned one is fast.
        let first = all.as_ptr().align_offset(LINE).min(spare);
        Self { all, first, length }
    }

    /// Drops all but the first `length` numbers.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl<F> Deref for Aligned<F> {
    type Target = [F];

    #[inline(always)]
    fn deref(&self) -> &[F] {
        &self.all[self.first..][..self.length]
    }
}

impl<F> DerefMut for Aligned<F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.all[self.first..][..self.length]
    }
}

impl<F: Float> From<Vec<F>> for Aligned<F> {
    fn from(list: Vec<F>) -> Self {
        let mut out = Self::zeros(list.len());
        out.copy_from_slice(&list);
        out
    }
}

impl<F: Float> FromIterator<F> for Aligned<F> {
    fn from_iter<I: IntoIterator<Item = F>>(numbers: I) -> Self {
        numbers.into_iter().collect::<Vec<F>>().into()
    }
}

impl<F: Float> Clone for Aligned<F> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}
