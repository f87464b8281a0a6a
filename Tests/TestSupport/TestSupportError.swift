import Foundation

/// Why a test could not be set up.
public enum TestSupportError: Error, CustomStringConvertible {
  /// A program that the test needs is missing, with the Debian package that has it.
  case missingProgram(String, package: String)
  /// A program that the test needs runs as root only.
  case needsRoot(String)
  /// The tool under test is not beside the test bundle.
  case toolNotBuilt(String)
  /// A system call failed, with `errno`.
  case system(String, Int32)
  /// A program ended with another status than 0.
  case failed(command: String, status: Int32, errors: String)
  /// A program was killed because it took longer than the test allows.
  case timedOut(command: String, after: Duration)
  /// A server ended, or did not answer, with the end of its log.
  case notStarted(server: String, log: String)

  /// One line, but for logs.
  public var description: String {
    switch self {
    case .missingProgram(let program, let package):
      "this test needs the program “\(program)”: apt-get install \(package) (or tools/install-packages test)"
    case .needsRoot(let program): "this test starts \(program), for which it must run as root"
    case .toolNotBuilt(let path): "no tool at \(path): build the product cooper first"
    case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
    case .failed(let command, let status, let errors): "\(command): status \(status): \(errors)"
    case .timedOut(let command, let limit): "\(command): killed after \(limit)"
    case .notStarted(let server, let log): "\(server) did not start:\n\(log)"
    }
  }
}
