//! Borders as context under a map: the countries of the world, and the states of the United States.

/// An arc a line, longitude and latitude in hundredths of a degree. From us-atlas 3.0.1 and world-atlas 2.0.2 (ISC, see the licence
/// beside them), whose shapes are the US Census Bureau's and Natural Earth's (public domain); `benches/outlines.py` makes the files.
const FILES: [&str; 2] = [include_str!("outlines/us-states.txt"), include_str!("outlines/countries.txt")];

/// Borders and coasts, each a line of (latitude, longitude).
pub(super) fn arcs() -> Vec<Vec<(f64, f64)>> {
    let lines = FILES.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let words = line.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
            let numbers: Vec<f64> = words.map(|part| part / 100.0).collect();
            numbers.chunks_exact(2).map(|pair| (pair[1], pair[0])).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_have_borders_on_the_earth() {
        let arcs = arcs();
        assert!(arcs.len() > 400 && arcs.iter().all(|arc| arc.len() > 1));
        let places = || arcs.iter().flatten();
        assert!(places().all(|(latitude, longitude)| latitude.abs() <= 90.0 && longitude.abs() <= 180.0));
        // The border of Utah and Colorado is the meridian 109 degrees west.
        let there = |(latitude, longitude): &(f64, f64)| {
            (longitude + 109.05).abs() < 0.02 && (37.0..41.01).contains(latitude)
        };
        assert!(places().any(there));
    }
}
