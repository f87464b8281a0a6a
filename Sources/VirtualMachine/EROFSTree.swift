import ArchiveIO

/// The names of a tree that is being written, kept as small as they can be: all else but directories is in the image already.
struct EROFSTree {
  /// The root's place in `directories`.
  static let root = 0

  /// What a name stands for.
  enum Reference: Hashable {
    /// A place in `directories`.
    case directory(Int)
    /// An inode, by what `EROFSMetadata.place` gave.
    case inode(Int)
    /// A place in `links`.
    case link(Int)
  }

  /// A name in a directory.
  struct Child {
    /// Where the name begins in `names`.
    var start: Int
    var count: UInt16
    /// The type, as `EROFSFormat.directoryType`; that of a link is known in the end.
    var type: UInt8
    var reference: Reference
  }

  struct Directory {
    /// All that is said of it but its size and place.
    var inode: EROFSInode
    var parent: Int
    var children: [Child] = []
    /// Whether nobody has said anything of it so far.
    var isImplicit: Bool
  }

  private struct Key: Hashable {
    var parent: Int
    var name: [UInt8]
  }

  private(set) var directories: [Directory]
  /// Hard links that have been met, and the names of their files.
  private(set) var links: [(path: [UInt8], target: [[UInt8]])] = []
  /// All names one after another, after `..`, whose parts every directory has.
  private var names = Array("..".utf8)
  private var places: [Key: Int] = [:]
  /// The directory that was found last: most entries come one directory after another.
  private var last: (path: [[UInt8]], directory: Int) = ([], root)

  /// A tree of a root only.
  init(root: EROFSInode, isImplicit: Bool) {
    directories = [Directory(inode: root, parent: Self.root, isImplicit: isImplicit)]
  }

  // MARK: Adding

  /// Adds a directory, or says what one is that was met before.
  mutating func addDirectory(_ path: [[UInt8]], _ inode: EROFSInode) throws(EROFSError) {
    let place = directory(path)
    guard directories[place].isImplicit else { throw .duplicate(Self.joined(path)) }
    directories[place].inode = inode
    directories[place].isImplicit = false
  }

  /// Adds a name for an inode.
  mutating func add(_ path: [[UInt8]], type: TarType, inode: Int) {
    add(path, type: EROFSFormat.directoryType(type), .inode(inode))
  }

  /// Adds another name of a file that may still be to come.
  mutating func addLink(_ path: [[UInt8]], to target: [[UInt8]]) {
    links.append((Self.joined(path), target))
    add(path, type: EROFSFormat.directoryType(.regular), .link(links.count - 1))
  }

  private mutating func add(_ path: [[UInt8]], type: UInt8, _ reference: Reference) {
    let directory = directory(path.dropLast())
    append(path[path.count - 1], type: type, reference, to: directory)
  }

  private mutating func append(_ name: [UInt8], type: UInt8, _ reference: Reference, to directory: Int) {
    let child = Child(start: names.count, count: UInt16(name.count), type: type, reference: reference)
    names += name
    directories[directory].children.append(child)
  }

  /// The directory at a path, made with those above it where it is missing.
  private mutating func directory(_ path: some Collection<[UInt8]>) -> Int {
    var known = 0
    var found = Self.root
    if path.starts(with: last.path) { (known, found) = (last.path.count, last.directory) }
    for name in path.dropFirst(known) {
      let key = Key(parent: found, name: name)
      if let place = places[key] {
        found = place
        continue
      }
      directories.append(Directory(inode: .implicitDirectory, parent: found, isImplicit: true))
      let place = directories.count - 1
      append(name, type: EROFSFormat.directoryType(.directory), .directory(place), to: found)
      places[key] = place
      found = place
    }
    last = (Array(path), found)
    return found
  }

  // MARK: The end

  /// Sorts the names of all directories by their bytes, among them `.` and `..`, and finds the files of hard links.
  ///
  /// - Returns: the number of names of each inode that has more than one.
  /// - Throws: `EROFSError.duplicate`, `.brokenLink`.
  mutating func complete() throws(EROFSError) -> [Int: UInt32] {
    let type = EROFSFormat.directoryType(.directory)
    for place in directories.indices {
      let parent = directories[place].parent
      var children = directories[place].children
      directories[place].children = []
      children.append(Child(start: 0, count: 1, type: type, reference: .directory(place)))
      children.append(Child(start: 0, count: 2, type: type, reference: .directory(parent)))
      children.sort { isBefore($0, $1) }
      for (one, next) in zip(children, children.dropFirst()) where !isBefore(one, next) {
        throw .duplicate(Self.joined(path(of: place) + [name(of: one)]))
      }
      directories[place].children = children
    }
    return try resolveLinks()
  }

  private mutating func resolveLinks() throws(EROFSError) -> [Int: UInt32] {
    var counts: [Int: UInt32] = [:]
    var found: [Child] = []
    for link in links { found.append(try file(of: link)) }
    for place in directories.indices {
      for index in directories[place].children.indices {
        guard case .link(let link) = directories[place].children[index].reference else { continue }
        directories[place].children[index].reference = found[link].reference
        directories[place].children[index].type = found[link].type
        if case .inode(let inode) = found[link].reference { counts[inode, default: 1] += 1 }
      }
    }
    return counts
  }

  /// The file that a hard link stands for, over as many other links as there are.
  private func file(of link: (path: [UInt8], target: [[UInt8]])) throws(EROFSError) -> Child {
    var target = link.target
    for _ in 0...links.count {
      guard let child = child(at: target) else { break }
      switch child.reference {
      case .inode: return child
      case .link(let next): target = links[next].target
      case .directory: throw .brokenLink(link.path, target: Self.joined(target))
      }
    }
    throw .brokenLink(link.path, target: Self.joined(target))
  }

  private func child(at path: [[UInt8]]) -> Child? {
    guard let name = path.last else { return nil }
    var directory = Self.root
    for name in path.dropLast() {
      guard let place = places[Key(parent: directory, name: name)] else { return nil }
      directory = place
    }
    let children = directories[directory].children
    var (low, high) = (0, children.count)
    while low < high {
      let middle = (low + high) / 2
      if self.name(of: children[middle]).lexicographicallyPrecedes(name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < children.count && self.name(of: children[low]).elementsEqual(name) ? children[low] : nil
  }

  // MARK: Names

  /// A child's name.
  func name(of child: Child) -> ArraySlice<UInt8> { names[child.start..<(child.start + Int(child.count))] }

  private func isBefore(_ left: Child, _ right: Child) -> Bool {
    name(of: left).lexicographicallyPrecedes(name(of: right))
  }

  private func path(of directory: Int) -> [ArraySlice<UInt8>] {
    var (path, place) = ([ArraySlice<UInt8>](), directory)
    while place != Self.root {
      let parent = directories[place].parent
      if let child = directories[parent].children.first(where: { $0.reference == .directory(place) }) {
        path.insert(name(of: child), at: 0)
      }
      place = parent
    }
    return path
  }

  /// A path with slashes between its parts.
  static func joined(_ path: some Sequence<some Sequence<UInt8>>) -> [UInt8] {
    Array(path.map { Array($0) }.joined(separator: [UInt8(ascii: "/")]))
  }
}
