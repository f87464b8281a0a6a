/// Why there is no kernel for the virtual machine.
public enum KernelError: Error, Hashable, CustomStringConvertible {
  /// None of the places has one that can be read.
  case none(searched: [String])
  /// What was named by the user has no kernel.
  case notThere(named: String)
  /// The directory of its modules is missing.
  case noModules(kernel: String, expected: [String])
  /// A module that the machine needs is neither a file nor built in.
  case missingModule(String, directory: String)
  /// A file is no module that can be used; why.
  case badModule(String, String)

  private static let advice =
    "tools/vm-kernel takes one out of Debian's package without installing it, and COOPER_KERNEL may name another"

  /// One line for people.
  public var description: String {
    switch self {
    case .none(let places):
      "there is no kernel for the virtual machine that can be read in \(places.joined(separator: ", ")); \(Self.advice)"
    case .notThere(let path):
      "\(path), named as the kernel of the virtual machine, is neither a kernel nor a directory with one (boot/vmlinuz-RELEASE or bzImage, and lib/modules/RELEASE)"
    case .noModules(let kernel, let expected):
      "the kernel \(kernel) has no modules in \(expected.joined(separator: " or ")); \(Self.advice)"
    case .missingModule(let name, let directory):
      "the kernel of the virtual machine has no module \(name): it is not in \(directory), and modules.builtin there does not list it; \(Self.advice)"
    case .badModule(let path, let reason): "\(path) is no kernel module that can be loaded: \(reason)"
    }
  }
}
