//! Which site of the chain each qubit is on, and the swaps that bring qubits side by side.

/// Qubits on sites.
#[derive(Clone, Debug)]
pub struct Places {
    site_of: Vec<usize>,
    qubit_at: Vec<usize>,
}

impl Places {
    /// Qubit k on site k.
    pub fn new(qubits: usize) -> Self {
        Self { site_of: (0..qubits).collect(), qubit_at: (0..qubits).collect() }
    }

    pub fn site(&self, qubit: usize) -> usize {
        self.site_of[qubit]
    }

    pub fn qubit(&self, site: usize) -> usize {
        self.qubit_at[site]
    }

    /// The sites of some qubits, ascending.
    pub fn sites(&self, qubits: &[usize]) -> Vec<usize> {
        let mut sites: Vec<usize> = qubits.iter().map(|&qubit| self.site_of[qubit]).collect();
        sites.sort_unstable();
        sites
    }

    /// The qubits on both sides of a bond change places.
    pub fn swap(&mut self, bond: usize) {
        self.qubit_at.swap(bond, bond + 1);
        for site in [bond, bond + 1] {
            self.site_of[self.qubit_at[site]] = site;
        }
    }
}

/// What a step on the two sites of a bond takes: that of splitting a matrix of its dimensions.
pub fn step_cost(bonds: &[usize], bond: usize) -> f64 {
    let beside = |bond: Option<usize>| bond.and_then(|bond| bonds.get(bond)).map_or(1.0, |&dimension| dimension as f64);
    splitting(2.0 * beside(bond.checked_sub(1)), 2.0 * beside(Some(bond + 1)))
}

/// Multiplications of splitting a matrix, up to a factor.
pub fn splitting(rows: f64, columns: f64) -> f64 {
    rows * columns * rows.min(columns)
}

/// Bonds whose sites change places, in order, until `sites` (ascending) are side by side, and the first site that they are
/// on then: the cheapest of all blocks between the outermost of them, by the present dimensions of the bonds.
pub fn gather(sites: &[usize], bonds: &[usize]) -> (Vec<usize>, usize) {
    let (Some(&first), Some(&last)) = (sites.first(), sites.last()) else { return (Vec::new(), 0) };
    let swaps = |start: usize| {
        let to_the_right = sites.iter().enumerate().rev().flat_map(move |(k, &site)| site..(start + k).max(site));
        let to_the_left = sites.iter().enumerate().flat_map(move |(k, &site)| ((start + k).min(site)..site).rev());
        to_the_right.chain(to_the_left).collect::<Vec<usize>>()
    };
    let cost = |start: usize| swaps(start).into_iter().map(|bond| step_cost(bonds, bond)).sum::<f64>();
    let starts = first..=last + 1 - sites.len();
    let costs = starts.map(|start| (start, cost(start)));
    let (start, _) = costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((first, 0.0));
    (swaps(start), start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qubits_come_side_by_side_past_the_cheap_bonds() {
        for sites in [vec![3], vec![2, 3], vec![0, 5], vec![1, 4, 9], vec![0, 3, 4, 8, 9]] {
            let bonds = [2, 4, 8, 64, 8, 4, 32, 4, 2];
            let mut places = Places::new(10);
            let (swaps, start) = gather(&sites, &bonds);
            swaps.iter().for_each(|&bond| places.swap(bond));
            assert_eq!(places.sites(&sites), (start..start + sites.len()).collect::<Vec<_>>(), "{sites:?}: {swaps:?}");
            (0..10).for_each(|qubit| assert_eq!(places.qubit(places.site(qubit)), qubit));
        }
        // The dearest bond of a pair is not swapped across: the gate itself acts there.
        let bonds = [4, 4, 64, 64, 4, 4];
        let (swaps, start) = gather(&[0, 6], &bonds);
        let dearest = (0..6).map(|bond| step_cost(&bonds, bond)).fold(0.0, f64::max);
        assert!(!swaps.contains(&start) && swaps.len() == 5, "{swaps:?}, {start}");
        assert_eq!(step_cost(&bonds, start), dearest, "{swaps:?}, {start}");
    }
}
