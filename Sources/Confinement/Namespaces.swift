import CNamespaces
import Glibc

/// A program in namespaces of its own, with a directory as its root: what `unshare -imnpuf` and `chroot` do.
///
/// Only for root. The program has its own processes, mounts, host name and, unless it is given one, no network; nothing of this machine is
/// within its reach but what is bound into the directory, and the kernel.
public struct Namespaces: Sendable {
  /// Something of this machine that is seen inside.
  public struct Bind: Sendable {
    /// Where it is on this machine.
    public var source: String
    /// Where it is seen: a path on this machine, in the root directory.
    public var target: String
    /// Whether nobody can change it there.
    public var isReadOnly: Bool

    /// A bind.
    public init(source: String, target: String, isReadOnly: Bool) {
      (self.source, self.target, self.isReadOnly) = (source, target, isReadOnly)
    }
  }

  private let root: String
  private let binds: [Bind]
  private let hasNetwork: Bool

  /// Namespaces whose root is the directory `root`, which has a directory `proc`.
  public init(root: String, binds: [Bind], hasNetwork: Bool) {
    (self.root, self.binds, self.hasNetwork) = (root, binds, hasNetwork)
  }

  /// Whether this process may make such namespaces.
  public static var areAllowed: Bool { geteuid() == 0 && namespaces_probe() == 0 }

  /// Runs a program, with the environment of this process, and gives its exit status: 128 and the number of the signal that ended it, or 125
  /// after a message on standard error when it could not be started.
  public func run(_ command: [String]) -> Int32 {
    let strings = Strings()
    var mounts = binds.map {
      namespace_bind(
        source: strings.add($0.source), target: strings.add($0.target), is_read_only: $0.isReadOnly ? 1 : 0)
    }
    var arguments = command.map { Optional(strings.add($0)) } + [nil]
    return mounts.withUnsafeMutableBufferPointer { mounts in
      arguments.withUnsafeMutableBufferPointer { arguments in
        namespace_run(
          strings.add(root), strings.add(root + "/proc"), mounts.baseAddress, mounts.count,
          hasNetwork ? 1 : 0,
          arguments.baseAddress)
      }
    }
  }

  /// Texts for C, for as long as this object is there.
  private final class Strings {
    private var all: [UnsafeMutablePointer<CChar>] = []

    func add(_ text: String) -> UnsafeMutablePointer<CChar> {
      guard let copy = strdup(text) else { preconditionFailure("no memory for a short text") }
      all.append(copy)
      return copy
    }

    deinit { all.forEach { free($0) } }
  }
}
