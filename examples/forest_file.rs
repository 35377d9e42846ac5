//! A forest as a file: grown here or exported from scikit-learn, read back, evaluated, and written as an exact network.
//!
//!     cargo run --release --example forest_file [forest.safetensors]

use candle_core::DType;
use qgraft::classic::{Answers, Forest, Growth, NamedForest};
use qgraft::data::BundledRow;
use qgraft::study::StudyError;
use qgraft::systems::forest::{ForestNetwork, Gate};

fn main() -> Result<(), StudyError> {
    let named = match std::env::args().nth(1) {
        Some(path) => NamedForest::open(path)?,
        None => grown()?,
    };
    let again = NamedForest::from_bytes(&named.to_bytes()?)?;
    assert_eq!(again, named, "the file holds the forest exactly");
    let columns = named.columns.len().max(named.forest.columns());
    println!("{} trees over {columns} columns; classes: {}", named.forest.trees().len(), named.classes.join(", "));

    let row = ndarray::Array2::<f32>::ones((1, columns));
    println!("a row of ones: {:.3}", named.forest.predict(row.view()));
    let (_, network) = ForestNetwork::of(&named.forest, &vec![1.0; columns], Gate::Step, DType::F64)?;
    println!("as a network it has {} numbers", network.count(|_| true));
    Ok(())
}

fn grown() -> Result<NamedForest, StudyError> {
    let table = BundledRow::named("iris").expect("a bundled table").table()?;
    let answers = Answers::Classes { labels: &table.samples.labels, count: table.samples.classes.len() };
    let growth = Growth::classifier(20, table.columns.len());
    Ok(NamedForest {
        forest: Forest::grow(table.values.view(), answers, &growth, 0).forest,
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        classes: table.samples.classes.clone(),
        target: table.target.clone(),
    })
}
