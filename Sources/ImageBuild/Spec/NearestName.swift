/// Finds what somebody probably meant.
enum NearestName {
  /// The most similar of `names`, unless none is: up to one in three characters may be wrong, and case does not count.
  static func find(_ text: String, among names: some Sequence<String>) -> String? {
    // Longer ones are no typing errors, and would cost time.
    guard text.utf8.count <= 64 else { return nil }
    let typed = Array(text.lowercased().unicodeScalars)
    let candidates = names.map { name in
      let letters = Array(name.lowercased().unicodeScalars)
      // `gzip` for `gz`.
      let isLonger = letters.count > 1 && typed.starts(with: letters)
      let limit = isLonger ? typed.count : max(1, max(typed.count, letters.count) / 3)
      return (name: name, distance: distance(typed, letters), limit: limit)
    }
    return candidates.filter { $0.distance <= $0.limit }.min { $0.distance < $1.distance }?.name
  }

  /// The number of letters to insert, remove, replace, or exchange with a neighbour.
  static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let isSame = left[row] == right[column]
        var best = min(previous[column] + (isSame ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforePrevious[column - 1] + 1)
        }
        current.append(best)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[right.count]
  }
}
