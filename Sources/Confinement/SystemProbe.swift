import CNamespaces
import Glibc

/// What the system lets this user do, found out by doing it in a child process.
public enum SystemProbe {
  /// Makes a user namespace with mounts of its own.
  ///
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func userNamespace() -> Int32? { result(probe_user_namespace(nil, nil)) }

  /// Mounts an overlay in a user namespace.
  ///
  /// - Parameter directory: An empty directory, on the kind of disk where it is wanted. Directories are made in it and stay.
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func overlay(in directory: String) -> Int32? {
    let paths = ["lower", "upper", "work", "merged"].map { "\(directory)/\($0)" }
    for path in paths where mkdir(path, 0o755) != 0 { return errno }
    // The options separate at commas and colons.
    guard !directory.contains(where: { $0 == "," || $0 == ":" || $0 == "\\" }) else { return EINVAL }
    return result(
      probe_user_namespace(
        paths[3], "userxattr,lowerdir=\(paths[0]),upperdir=\(paths[1]),workdir=\(paths[2])"))
  }

  /// Starts a process and traces it.
  ///
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func tracing() -> Int32? { result(probe_tracing()) }

  private static func result(_ code: Int32) -> Int32? { code == 0 ? nil : code }
}
