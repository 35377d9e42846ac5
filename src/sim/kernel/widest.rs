//! Plain loops compiled for the widest vectors of the machine that runs them.

use pulp::Simd;

use crate::sim::kernel::float::Float;

/// `a·b + c`, rounded once where the machine has the instruction; the software version of it is never worth its time.
#[inline(always)]
pub fn fused<S: Simd, F: Float>(a: F, b: F, c: F) -> F {
    if S::IS_SCALAR { a * b + c } else { a.fused(b, c) }
}

/// Defines a function that runs `loops::<S>` with the same arguments, compiled for the vector instructions S that are
/// found at run time, or `loops::<S, F>` for both widths of numbers. Lifetimes are written out.
///
/// A closure handed to [`pulp::Arch::dispatch`] would do if compilers always inlined it; without, its loops are
/// compiled for the oldest machine. `loops` and all that it calls must be `#[inline(always)]` for the same reason.
macro_rules! widest {
    ($(#[$meta:meta])* pub fn $name:ident<$($life:lifetime),*>(
        $($argument:ident: $type:ty),* $(,)?
    ) = $loops:ident) => {
        $(#[$meta])*
        pub fn $name<$($life),*>($($argument: $type),*) {
            struct Work<$($life),*>($($type),*);
            impl<$($life),*> pulp::WithSimd for Work<$($life),*> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    let Self($($argument),*) = self;
                    $loops::<S>($($argument),*)
                }
            }
            pulp::Arch::new().dispatch(Work($($argument),*))
        }
    };
    ($(#[$meta:meta])* pub fn $name:ident<$($life:lifetime,)* F: Float>(
        $($argument:ident: $type:ty),* $(,)?
    ) = $loops:ident) => {
        $(#[$meta])*
        pub fn $name<$($life,)* F: Float>($($argument: $type),*) {
            struct Work<$($life,)* F: Float>($($type),*);
            impl<$($life,)* F: Float> pulp::WithSimd for Work<$($life,)* F> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    let Self($($argument),*) = self;
                    $loops::<S, F>($($argument),*)
                }
            }
            pulp::Arch::new().dispatch(Work($($argument),*))
        }
    };
}
pub(crate) use widest;
