extension Closure {
  /// Places that refer to each other, each to the next and the last to the first.
  struct Circle: Error {
    let members: [Int]
  }

  /// The places such that every one comes after its references; of those that are free to come, the path that
  /// sorts first brings its references along first.
  ///
  /// Not recursive: a chain of references may be as long as the closure is large.
  static func topologicalOrder(of references: [[Int]]) throws(Circle) -> [Int] {
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: references.count)
    var order: [Int] = []
    order.reserveCapacity(references.count)
    for start in references.indices where states[start] == .new {
      var branch = [(place: start, visited: 0)]
      states[start] = .open
      while let (place, visited) = branch.last {
        guard visited < references[place].count else {
          states[place] = .done
          order.append(place)
          branch.removeLast()
          continue
        }
        branch[branch.count - 1].visited += 1
        let next = references[place][visited]
        switch states[next] {
        case .new:
          states[next] = .open
          branch.append((next, 0))
        case .open: throw Circle(members: Array(branch.map(\.place).drop { $0 != next }))
        case .done: break
        }
      }
    }
    return order
  }
}
