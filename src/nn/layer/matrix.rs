//! Products of strided matrices, by the gemm crate.

use candle_core::WithDType;

/// A strided view of a matrix: element (r, c) is `values[r · row_stride + c · column_stride]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    values: &'a [T],
    size: (usize, usize),
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    pub fn rows(values: &'a [T], rows: usize, columns: usize) -> Self {
        Matrix::part(values, rows, columns, columns)
    }

    pub fn part(values: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= values.len());
        Matrix { values, size: (rows, columns), row_stride, column_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        Matrix {
            size: (self.size.1, self.size.0),
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// output = left · right, or output += left · right if `add`. Rows of `output` lie `row_stride` apart.
pub(super) fn multiply_into<T: WithDType>(
    output: &mut [T],
    row_stride: usize,
    left: Matrix<T>,
    right: Matrix<T>,
    add: bool,
) {
    let (rows, depth, columns) = (left.size.0, left.size.1, right.size.1);
    assert_eq!(depth, right.size.0);
    assert!(rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= output.len());
    // SAFETY: both views were checked to lie inside their slices when made, the output was checked above, and it
    // cannot overlap them because it is borrowed mutably. T is f32 or f64, which gemm knows.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr(),
            1,
            row_stride as isize,
            add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            T::one(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
