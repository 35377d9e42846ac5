//! Tables as people and spreadsheets write them: read rightly with a notice, or refused by line and column.

use qgraft::data::{Tabular, parse_table, read_table};

/// Rows of four classes' worth of text behind a header.
fn rows(header: &str, row: impl Fn(usize) -> String, count: usize) -> String {
    let lines: String = (0..count).map(|k| row(k) + "\n").collect();
    format!("{header}\n{lines}")
}

fn first_column(table: &Tabular) -> Vec<f32> {
    table.values.column(0).to_vec()
}

#[test]
fn numbers_in_every_notation_are_numbers_with_a_notice() {
    // Text, the values of its first column, and what the notice says.
    let cases: [(&str, [f32; 2], &str); 17] = [
        ("a;b;c\n1,06;0,5;x\n-3,5;2,25;y\n", [1.06, -3.5], "column `a`: numbers with a decimal comma"),
        ("a\tb\tc\n1,06\t0,5\tx\n-3,5\t2,25\ty\n", [1.06, -3.5], "`1,06` (line 2) is read as 1.06"),
        ("1,06;0,5;x\n-3,5;2,25;y\n", [1.06, -3.5], "column `1`"),
        ("a;b;c\n1.234,5;0,5;x\n-3,5;2,25;y\n", [1234.5, -3.5], "a decimal comma and thousands in groups"),
        ("a;b;c\n1.234;0,5;x\n2.345;2,25;y\n", [1234.0, 2345.0], "thousands in groups"),
        ("a,b,c\n\"1,060\",0.5,x\n\"-3,590\",2.25,y\n", [1060.0, -3590.0], "`1,060` (line 2) is read as 1060"),
        ("a,b,c\n\"1,060\",1,x\n20,2,y\n", [1060.0, 20.0], "thousands in groups"),
        ("a;b;c\n1,060;0.5;x\n3,590;2.25;y\n", [1060.0, 3590.0], "thousands in groups"),
        ("a;b;c\n1,060;1;x\n3,590;2;y\n", [1.06, 3.59], "a decimal comma"),
        ("a,b,c\n1.06%,1,x\n-3.5%,2,y\n", [1.06, -3.5], "a per cent sign"),
        ("a;b;c\n1,06 %;1;x\n-3,5 %;2;y\n", [1.06, -3.5], "a decimal comma and a per cent sign"),
        ("a,b,c\n5 kg,1,x\n12.5 kg,2,y\n", [5.0, 12.5], "the unit `kg`"),
        ("a,b,c\n\"$1,200.50\",1,x\n-$3,2,y\n", [1200.5, -3.0], "the unit `$`"),
        ("a;b;c\n1.200,50 €;1;x\n3,00 €;2;y\n", [1200.5, 3.0], "the unit `€`"),
        ("a,b,c\n(5),1,x\n7,2,y\n", [-5.0, 7.0], "brackets for a minus sign"),
        ("a|b|c\n1'234.5|1|x\n7.25|2|y\n", [1234.5, 7.25], "thousands in groups"),
        ("a,b,c\n−4.5,1,x\n7,2,y\n", [-4.5, 7.0], ""),
    ];
    for (text, values, notice) in cases {
        let table = parse_table(text, "here").unwrap();
        assert!(table.columns.iter().all(|column| column.words.is_none()), "{text}: {:?}", table.columns);
        assert_eq!(first_column(&table), values, "{text}");
        assert!(notice.is_empty() || table.notices.iter().any(|found| found.contains(notice)), "{:?}", table.notices);
        assert!(table.notices.iter().all(|found| found.starts_with("here: column `")), "{:?}", table.notices);
        assert_eq!(table.samples.classes, ["x", "y"], "{text}");
    }
    let plain = parse_table("a,b,c\n1.5,2,x\n-2e3,?,y\n", "here").unwrap();
    assert!(plain.notices.is_empty(), "numbers as programs write them need none: {:?}", plain.notices);
}

#[test]
fn a_column_is_never_turned_into_words_without_a_notice() {
    // Few different values: words, with a notice.
    let few = rows("a,b,c", |k| format!("{},{k},{}", ["0", "1", "2", "3+"][k % 4], k % 2), 12);
    let table = parse_table(&few, "here").unwrap();
    assert_eq!(table.columns[0].words.as_deref().unwrap(), ["0", "1", "2", "3+"]);
    assert!(table.notices[0].contains("column `a`: 9 of 12 values are numbers"), "{:?}", table.notices);
    // A code with a uniform ending is words where there are few of them.
    let codes = rows("a,b,c", |k| format!("{}D,{k},{}", 2 + k % 2, k % 2), 12);
    assert!(parse_table(&codes, "here").unwrap().columns[0].words.is_some());

    let cases = [
        // Many different numbers and some words: measured values with a mistake.
        (
            rows("a,b,c", |k| format!("{},{k},{}", if k % 3 == 0 { "low".into() } else { k.to_string() }, k % 2), 60),
            "line 2, column `a`: \"low\": 40 of 60",
        ),
        (
            rows("a,b,c", |k| format!("{}{},{k},{}", k, if k == 7 { " g" } else { " kg" }, k % 2), 30),
            "\"7 g\": the numbers of this column have different units",
        ),
        (
            rows("a;b;c", |k| format!("{k}{};{k};{}", if k == 7 { ".5" } else { ",25" }, k % 2), 30),
            "some numbers of this column have a decimal comma",
        ),
        ("a\tb\tc\n1,060\t1\tx\n3,590\t2\ty\n".into(), "\"1,060\": this may be 1060 or 1.06"),
    ];
    for (text, message) in cases {
        let error = parse_table(&text, "here").unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let gaps = parse_table("a,b,c\n1.5,2,x\nN/A,3,y\nNULL,3,y\n2,3,y\n", "here").unwrap();
    assert!(
        gaps.values[[1, 0]].is_nan() && gaps.notices[0].contains("2 values such as `N/A` (line 3)"),
        "{:?}",
        gaps.notices
    );
}

#[test]
fn what_spreadsheets_put_before_a_table_is_no_part_of_it() {
    let keel = "@relation x\n@attribute a real [0, 1]\n@attribute b{u, v}\n@attribute c {p, n}\n@inputs a, b\n@outputs c\n\
                @data\n0.5, u, p\n0.7, v, n\n";
    let texts = ["sep=;\na;b;c\n0.5;u;p\n0.7;v;n\n", "\u{feff}sep=;\r\na;b;c\r\n0.5;u;p\r\n0.7;v;n\r\n", keel];
    for text in texts.iter().map(|text| text.to_string()).chain([format!("\u{feff}{keel}")]) {
        let table = parse_table(&text, "here").unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names, first_column(&table)), (vec!["a", "b"], vec![0.5, 0.7]), "{text}");
    }
    let numbered = parse_table("sep=;\na;c\n1;p\nx;n\n1;n\n1;n\n1;n\n1;n\n1;n\n1;n\n1;n\n1;n\n1;n\n", "here")
        .unwrap_err()
        .to_string();
    assert!(numbered.contains("line 4, column `a`"), "lines count from the first of the file: {numbered}");
    // A spreadsheet's "Unicode text".
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.txt");
    let wide: Vec<u8> = "\u{feff}a\tc\n0,5\tp\n0,7\tn\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, wide).unwrap();
    assert_eq!(first_column(&read_table(&path).unwrap()), [0.5, 0.7]);
}

#[test]
fn a_keel_header_is_a_promise() {
    let keel = |inputs: &str, class: &str| {
        format!(
            "@relation x\n@attribute a real\n@attribute b real\n@attribute c {{p, n}}\n@inputs {inputs}\n@output c\n@data\n\
             0.5, 1, p\n0.7, 2, {class}\n"
        )
    };
    let error = parse_table(&keel("a, b", "m"), "here").unwrap_err().to_string();
    assert!(error.contains("line 9, column `c`: \"m\": the class is declared as one of p, n"), "{error}");
    let error = parse_table(&keel("a, d", "n"), "here").unwrap_err().to_string();
    assert!(error.contains("@inputs names `d`"), "{error}");
    let table = parse_table(&keel("b", "n"), "here").unwrap();
    assert_eq!(first_column(&table), [1.0, 2.0]);
    assert!(table.notices[0].contains("column `a` is not among @inputs"), "{:?}", table.notices);
}

#[test]
fn a_path_that_is_no_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pointer = folder.path().join("pointer.csv");
    std::fs::write(&pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n").unwrap();
    let empty = folder.path().join("empty.csv");
    std::fs::write(&empty, "").unwrap();
    let cases = [
        (folder.path().to_path_buf(), "this is a folder"),
        ("/dev/null".into(), "a pipe or a device"),
        (pointer, "git lfs pull"),
        (empty, "no rows"),
    ];
    for (path, message) in cases {
        let error = read_table(&path).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(&path.display().to_string()), "{error}");
    }
}
