//! Layers of vision transformers. Between stages their tokens are planes too: (batch, width, 1, tokens) where a class token
//! belongs to them, else (batch, width, height, width of the grid).

use candle_core::{D, DType, IndexOp, Result, Tensor, bail};

use super::architecture::Parameter;
use super::live::Watch;
use crate::nn::layer::{layer_norm, linear, softmax};

/// A layer on tokens, named as in torchvision.
#[derive(Clone, Debug, PartialEq)]
pub enum Tokens {
    /// Patches to tokens behind a class token, plus a learned vector for each place (Dosovitskiy et al. 2021,
    /// arXiv:2010.11929, eq. 1). `class_token`, `encoder.pos_embedding`.
    Prepend {
        /// Width of a token.
        width: usize,
        /// Patches, without the class token.
        patches: usize,
    },
    /// Attention of all tokens to all, then two linear layers with GELU between them, each behind a normalisation and added
    /// to its input (eq. 2 and 3).
    Encoder {
        /// Prefix of its parameters.
        name: String,
        /// Width of a token.
        width: usize,
        /// Heads of the attention.
        heads: usize,
        /// Width between the linear layers.
        hidden: usize,
        /// Names of the linear layers, below the prefix.
        linear: [&'static str; 2],
    },
    /// The class token alone: one plane of one value for each number of it.
    ClassToken,
    /// Layer normalisation of each token.
    Norm {
        /// Prefix of its parameters.
        name: String,
        /// Width of a token.
        width: usize,
        /// Added to the variance.
        epsilon: f64,
    },
    /// As [`Encoder`](Tokens::Encoder), with attention inside square windows that may be shifted (Liu et al. 2021,
    /// arXiv:2103.14030, section 3.2).
    Windows {
        /// Prefix of its parameters.
        name: String,
        /// Width of a token.
        width: usize,
        /// Heads of the attention.
        heads: usize,
        /// Side of a window.
        window: usize,
        /// By how much windows are shifted; not where one window holds all.
        shift: usize,
    },
    /// Two by two tokens become one of twice the width (section 3.1).
    Merge {
        /// Prefix of its parameters.
        name: String,
        /// Width of a token before.
        width: usize,
    },
}

/// A layer on tokens and, in a network, its tensors in the order of [`Tokens::parameters`].
#[derive(Clone, Debug)]
pub struct TokenLayer {
    /// The layer.
    pub kind: Tokens,
    /// None in a description.
    pub(super) tensors: Vec<Tensor>,
}

/// Tensors do not tell layers apart.
impl PartialEq for TokenLayer {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// Added to the variance in encoders of ViT, and in Swin.
const EPSILON: f64 = 1e-6;
const SWIN_EPSILON: f64 = 1e-5;

/// What hides a token of another region in a shifted window (torchvision's).
const HIDDEN: f32 = -100.0;

impl Tokens {
    /// Names and shapes of its tensors.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut all: Vec<Parameter> = Vec::new();
        let mut pair = |name: String, shape: &[usize]| {
            all.push((format!("{name}weight"), shape.to_vec()));
            all.push((format!("{name}bias"), shape[..1].to_vec()));
        };
        match self {
            Self::ClassToken => {}
            Self::Prepend { width, patches } => {
                all.push(("class_token".into(), vec![1, 1, *width]));
                all.push(("encoder.pos_embedding".into(), vec![1, patches + 1, *width]));
            }
            Self::Norm { name, width, .. } => pair(format!("{name}."), &[*width]),
            Self::Encoder { name, width, hidden, linear: [up, down], .. } => {
                pair(format!("{name}.ln_1."), &[*width]);
                pair(format!("{name}.self_attention.in_proj_"), &[3 * width, *width]);
                pair(format!("{name}.self_attention.out_proj."), &[*width, *width]);
                pair(format!("{name}.ln_2."), &[*width]);
                pair(format!("{name}.{up}."), &[*hidden, *width]);
                pair(format!("{name}.{down}."), &[*width, *hidden]);
            }
            Self::Windows { name, width, heads, window, .. } => {
                pair(format!("{name}.norm1."), &[*width]);
                pair(format!("{name}.attn.qkv."), &[3 * width, *width]);
                pair(format!("{name}.attn.proj."), &[*width, *width]);
                pair(format!("{name}.norm2."), &[*width]);
                pair(format!("{name}.mlp.0."), &[4 * width, *width]);
                pair(format!("{name}.mlp.3."), &[*width, 4 * width]);
                let places = (2 * window - 1) * (2 * window - 1);
                all.push((format!("{name}.attn.relative_position_bias_table"), vec![places, *heads]));
            }
            Self::Merge { name, width } => {
                pair(format!("{name}.norm."), &[4 * width]);
                all.push((format!("{name}.reduction.weight"), vec![2 * width, 4 * width]));
            }
        }
        all
    }
}

impl TokenLayer {
    /// A layer without tensors.
    pub fn new(kind: Tokens) -> Self {
        Self { kind, tensors: Vec::new() }
    }

    /// The same with the tensor of each name.
    ///
    /// # Errors
    /// Those of `tensor`.
    pub(super) fn with<E>(
        &self,
        mut tensor: impl FnMut(&str) -> std::result::Result<Tensor, E>,
    ) -> std::result::Result<Self, E> {
        let tensors =
            self.kind.parameters().iter().map(|(name, _)| tensor(name)).collect::<std::result::Result<_, _>>()?;
        Ok(Self { kind: self.kind.clone(), tensors })
    }

    /// Planes to planes.
    pub(super) fn forward(&self, x: &Tensor, watch: &mut dyn Watch) -> Result<Tensor> {
        match (&self.kind, &self.tensors[..]) {
            (Tokens::ClassToken, []) => x.narrow(3, 0, 1),
            (Tokens::Prepend { patches, .. }, [class, positions]) => {
                let tokens = sequence(x)?;
                let (batch, found, width) = tokens.dims3()?;
                if found != *patches {
                    bail!(
                        "{found} patches of a picture; the learned places are those of {patches}: give pictures of the size it was trained at"
                    )
                }
                let class = class.broadcast_as((batch, 1, width))?;
                planes(&Tensor::cat(&[&class, &tokens], 1)?.broadcast_add(positions)?, (1, patches + 1))
            }
            (Tokens::Norm { epsilon, .. }, [weight, bias]) => {
                let (_, _, height, width) = x.dims4()?;
                planes(&layer_norm(&sequence(x)?, weight, bias, *epsilon)?, (height, width))
            }
            (Tokens::Encoder { heads, .. }, [n, m, iw, ib, ow, ob, rest @ ..]) => {
                let (_, _, height, width) = x.dims4()?;
                let x = sequence(x)?;
                let scores = Scores { heads: *heads, added: None };
                let (seen, weights) = scores.attend(&layer_norm(&x, n, m, EPSILON)?, [iw, ib, ow, ob])?;
                watch.attention(&weights);
                planes(&feed_forward(&(x + seen)?, rest, EPSILON, watch)?, (height, width))
            }
            (Tokens::Windows { heads, window, shift, .. }, [n, m, iw, ib, ow, ob, rest @ .., table]) => {
                let (_, _, height, width) = x.dims4()?;
                let x = x.permute((0, 2, 3, 1))?;
                let normal = layer_norm(&x, n, m, SWIN_EPSILON)?;
                let seen = in_windows(&normal, (*window, *shift), *heads, [iw, ib, ow, ob], table)?;
                let x = (x + seen)?.flatten(1, 2)?;
                planes(&feed_forward(&x, rest, SWIN_EPSILON, watch)?, (height, width))
            }
            (Tokens::Merge { .. }, [n, m, reduction]) => {
                // A row and a column of zeros where a side is odd.
                let x = x.pad_with_zeros(2, 0, x.dim(2)? % 2)?;
                let x = x.pad_with_zeros(3, 0, x.dim(3)? % 2)?;
                let (batch, channels, height, width) = x.dims4()?;
                let (height, width) = (height / 2, width / 2);
                // Of the four the rows change first.
                let four = x.reshape((batch, channels, height, 2, width, 2))?.permute((0, 2, 4, 5, 3, 1))?;
                let four = four.reshape((batch, height * width, 4 * channels))?;
                planes(&linear(&layer_norm(&four, n, m, SWIN_EPSILON)?, reduction, None)?, (height, width))
            }
            (kind, tensors) => bail!("{kind:?} with {} tensors", tensors.len()),
        }
    }
}

/// Planes (batch, width, …) as tokens (batch, places, width).
fn sequence(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.transpose(1, 2)?.contiguous()
}

/// Tokens (batch, places, width) as planes of a grid.
fn planes(x: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
    let (batch, _, channels) = x.dims3()?;
    x.transpose(1, 2)?.reshape((batch, channels, height, width))
}

fn feed_forward(x: &Tensor, tensors: &[Tensor], epsilon: f64, watch: &mut dyn Watch) -> Result<Tensor> {
    let [n, m, uw, ub, dw, db] = tensors else { bail!("{} tensors behind the attention", tensors.len()) };
    let inside = linear(&layer_norm(x, n, m, epsilon)?, uw, Some(ub))?.gelu_erf()?;
    watch.rectified(&inside.transpose(1, 2)?);
    x + linear(&inside, dw, Some(db))?
}

/// Attention of tokens to each other.
struct Scores<'a> {
    heads: usize,
    /// Added before the softmax: (windows, heads, tokens, tokens), the windows of a picture in turn.
    added: Option<&'a Tensor>,
}

impl Scores<'_> {
    /// Tokens (batch, tokens, width) to the same, and the weights (batch, heads, tokens, tokens).
    fn attend(&self, x: &Tensor, [iw, ib, ow, ob]: [&Tensor; 4]) -> Result<(Tensor, Tensor)> {
        let (batch, count, width) = x.dims3()?;
        let all = linear(x, iw, Some(ib))?.reshape((batch, count, 3, self.heads, width / self.heads))?;
        let all = all.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (q, k, v) = (all.i(0)?, all.i(1)?, all.i(2)?);
        let scale = ((width / self.heads) as f64).sqrt().recip();
        let scores = ((q * scale)?).matmul(&k.t()?.contiguous()?)?;
        let scores = match self.added {
            None => scores,
            Some(added) => {
                let windows = added.dim(0)?;
                let shape = (batch / windows, windows, self.heads, count, count);
                scores
                    .reshape(shape)?
                    .broadcast_add(&added.unsqueeze(0)?)?
                    .reshape((batch, self.heads, count, count))?
            }
        };
        let weights = softmax(&scores, D::Minus1)?;
        let seen = weights.matmul(&v)?.transpose(1, 2)?.reshape((batch, count, width))?;
        Ok((linear(&seen, ow, Some(ob))?, weights))
    }
}

/// Attention of tokens (batch, height, width, channels) inside windows, to the same shape.
fn in_windows(
    x: &Tensor,
    (window, shift): (usize, usize),
    heads: usize,
    tensors: [&Tensor; 4],
    table: &Tensor,
) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (down, across) = (height.next_multiple_of(window), width.next_multiple_of(window));
    let padded = x.pad_with_zeros(1, 0, down - height)?.pad_with_zeros(2, 0, across - width)?;
    let shifts = [down, across].map(|side| if side > window { shift } else { 0 });
    let rolled = rolled(&rolled(&padded, shifts[0], 1)?, shifts[1], 2)?;
    let (rows, columns, places) = (down / window, across / window, window * window);
    let split = rolled.reshape((batch, rows, window, columns, window, channels))?.permute((0, 1, 3, 2, 4, 5))?;
    let windows = split.reshape((batch * rows * columns, places, channels))?;
    let added = relative(table, window, heads)?.unsqueeze(0)?;
    let added = match shifts {
        [0, 0] => added,
        _ => added.broadcast_add(&regions((down, across), window, shifts, x)?.unsqueeze(1)?)?,
    };
    let (seen, _) = Scores { heads, added: Some(&added) }.attend(&windows, tensors)?;
    let joined = seen.reshape((batch, rows, columns, window, window, channels))?.permute((0, 1, 3, 2, 4, 5))?;
    let joined = joined.reshape((batch, down, across, channels))?;
    let back = |side: usize, shift: usize| if shift > 0 { side - shift } else { 0 };
    let joined = self::rolled(&self::rolled(&joined, back(down, shifts[0]), 1)?, back(across, shifts[1]), 2)?;
    joined.narrow(1, 0, height)?.narrow(2, 0, width)
}

/// Entries moved towards the start by `shift`, the first ones to the end.
fn rolled(x: &Tensor, shift: usize, dim: usize) -> Result<Tensor> {
    match shift {
        0 => Ok(x.clone()),
        _ => Tensor::cat(&[x.narrow(dim, shift, x.dim(dim)? - shift)?, x.narrow(dim, 0, shift)?], dim),
    }
}

/// The learned number of each head for each pair of places of a window, (heads, places, places).
fn relative(table: &Tensor, window: usize, heads: usize) -> Result<Tensor> {
    let places = window * window;
    let index = (0..places * places).map(|k| {
        let (one, other) = (k / places, k % places);
        let down = one / window + window - 1 - other / window;
        let across = one % window + window - 1 - other % window;
        (down * (2 * window - 1) + across) as u32
    });
    let index = Tensor::from_iter(index, table.device())?;
    table.index_select(&index, 0)?.reshape((places, places, heads))?.permute((2, 0, 1))?.contiguous()
}

/// What hides tokens that were brought into a window by the shift, (windows, places, places).
fn regions((down, across): (usize, usize), window: usize, shifts: [usize; 2], like: &Tensor) -> Result<Tensor> {
    let part = |place: usize, side: usize, shift: usize| match place {
        _ if shift == 0 => 0,
        _ if place < side - window => 0,
        _ if place < side - shift => 1,
        _ => 2,
    };
    let (rows, columns, places) = (down / window, across / window, window * window);
    let region = |at: usize, place: usize| {
        let (row, column) = (at / columns * window + place / window, at % columns * window + place % window);
        3 * part(row, down, shifts[0]) + part(column, across, shifts[1])
    };
    let values = (0..rows * columns * places * places).map(|k| {
        let (at, one, other) = (k / (places * places), k / places % places, k % places);
        if region(at, one) == region(at, other) { 0.0 } else { HIDDEN }
    });
    Tensor::from_iter(values, like.device())?.reshape((rows * columns, places, places))?.to_dtype(like.dtype())
}

/// Attention rollout (Abnar & Zuidema 2020, arXiv:2005.00928, eq. 1): what the class token is made of, if half of each token
/// passes an attention unchanged. `layers` hold weights (batch, heads, tokens, tokens) from input to output; the result has
/// (batch, tokens − 1), the shares of the patches.
///
/// # Errors
/// No layers, or weights of different shapes.
pub(super) fn rollout(layers: &[Tensor]) -> Result<Tensor> {
    let mut total: Option<Tensor> = None;
    for weights in layers {
        let mean = weights.detach().to_dtype(DType::F64)?.mean(1)?;
        let same = Tensor::eye(mean.dim(1)?, DType::F64, mean.device())?;
        let mixed = (mean.broadcast_add(&same)? * 0.5)?;
        total = Some(match total {
            None => mixed,
            Some(below) => mixed.matmul(&below)?,
        });
    }
    let Some(total) = total else { bail!("no layers of attention") };
    let patches = total.dim(2)? - 1;
    total.narrow(1, 0, 1)?.squeeze(1)?.narrow(1, 1, patches)
}
