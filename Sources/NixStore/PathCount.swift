/// A number without upper limit: the ways through a graph of diamonds double with each.
struct PathCount: Comparable {
  /// The lowest word first; the highest is not 0, and 0 has none.
  private var words: [UInt64]

  init(_ value: UInt64) { words = value == 0 ? [] : [value] }

  static func += (sum: inout PathCount, summand: PathCount) {
    var carry = false
    for (index, word) in summand.words.enumerated() {
      if index == sum.words.count { sum.words.append(0) }
      carry = sum.add(word, carry, at: index)
    }
    var index = summand.words.count
    while carry {
      if index == sum.words.count { sum.words.append(0) }
      carry = sum.add(0, true, at: index)
      index += 1
    }
  }

  /// Whether something is to be carried on.
  private mutating func add(_ word: UInt64, _ carry: Bool, at index: Int) -> Bool {
    let (first, overflow) = words[index].addingReportingOverflow(word)
    let (second, again) = first.addingReportingOverflow(carry ? 1 : 0)
    words[index] = second
    return overflow || again
  }

  static func < (left: PathCount, right: PathCount) -> Bool {
    if left.words.count != right.words.count { return left.words.count < right.words.count }
    return left.words.reversed().lexicographicallyPrecedes(right.words.reversed())
  }
}
