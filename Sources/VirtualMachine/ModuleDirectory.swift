import ArchiveIO
import SystemPackage

/// The modules of one kernel, a directory `lib/modules/RELEASE` with or without what `depmod` makes.
struct ModuleDirectory {
  private let path: FilePath
  /// The files by the names of the modules.
  private let files: [String: KernelModule]
  /// What the kernel has without a file; nil when nothing tells.
  private let builtIn: Set<String>?

  /// Looks what is in the directory.
  ///
  /// - Throws: `FileError`.
  init(_ path: FilePath) throws {
    self.path = path
    var files: [String: KernelModule] = [:]
    let walk = try TreeWalk(path.appending("."), order: .bytes)
    while let entry = try walk.next() {
      // What is elsewhere was built for this machine, and may replace a module by one for its devices.
      guard entry.status.type == .regular, entry.path.starts(with: "kernel/".utf8),
        let module = KernelModule(path.appending(FilePath(platformBytes: entry.path).components))
      else { continue }
      files[module.name] = module
    }
    self.files = files
    builtIn = try Self.builtIn(path)
  }

  private static func builtIn(_ path: FilePath) throws -> Set<String>? {
    let list: DirectFile
    do { list = try DirectFile(reading: path.appending("modules.builtin")) } catch {
      if error.errno == .noSuchFileOrDirectory { return nil }
      throw error
    }
    let text = String(decoding: try list.readAll(limit: 4 << 20), as: UTF8.self)
    let modules = text.split(separator: "\n").compactMap { KernelModule(FilePath(String($0))) }
    return Set(modules.map(\.name))
  }

  /// These modules with all that they depend on, each after those that it depends on; what is built in is left out.
  ///
  /// - Throws: `KernelError.missingModule` for one that is not optional and neither a file nor known to be built in; what reading modules
  ///   throws.
  func loadOrder(_ wanted: [String], optional: Set<String>) throws -> [KernelModule] {
    var order: [KernelModule] = []
    var seen: Set<String> = []
    func add(_ name: String) throws {
      guard seen.insert(name).inserted else { return }
      guard let module = files[name] else {
        if let builtIn, !builtIn.contains(name), !optional.contains(name) {
          throw KernelError.missingModule(name, directory: path.string)
        }
        return
      }
      for dependency in try module.dependencies() { try add(dependency) }
      order.append(module)
    }
    for name in wanted { try add(name) }
    return order
  }
}
