import Glibc
import OrderedJSON
import Registry
import Subprocess
import SystemPackage

/// A program that keeps logins: `docker-credential-NAME`, found in `PATH`.
///
/// It is told what to do by one argument, `get`, `store` or `erase`; names and secrets go through its
/// standard input.
struct CredentialHelper: Sendable {
  private enum Action: String { case get, store, erase }
  private struct Outcome: Sendable {
    var isSuccess: Bool
    var output: [UInt8]
    var message: [UInt8]
  }

  /// How long one call may take.
  var timeLimit = Duration.seconds(30)
  /// The program's name, for messages.
  private let program: String
  private let path: String
  private let environment: ProcessEnvironment

  /// Answers of more bytes than this are refused.
  private static let outputLimit = 1 << 20
  /// Fits into a pipe, so that the input can be there before the program is.
  private static let inputLimit = 60_000
  private static let notFound = "credentials not found in native keychain"

  /// Finds the program.
  ///
  /// - Throws: `CredentialHelperError.badName`, `.notInstalled`.
  init(name: String, environment: ProcessEnvironment) throws(CredentialHelperError) {
    let isName = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
    guard !name.isEmpty, isName else { throw .badName(name) }
    let program = "docker-credential-\(name)"
    let directories = (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
    guard let path = directories.map({ "\($0)/\(program)" }).first(where: { access($0 as String, X_OK) == 0 })
    else {
      throw .notInstalled(program)
    }
    self.program = program
    self.path = path
    self.environment = environment
  }

  /// The login for a server; nil when the helper has none.
  func get(_ serverAddress: String) async throws -> Credentials? {
    let outcome = try await run(.get, serverAddress, input: Array(serverAddress.utf8))
    guard outcome.isSuccess else {
      if String(decoding: outcome.output, as: UTF8.self).contains(Self.notFound) { return nil }
      throw failure(.get, serverAddress, outcome)
    }
    guard let answer = try? JSONValue(parsing: outcome.output), let user = answer["Username"]?.string,
      let secret = answer["Secret"]?.string
    else { throw CredentialHelperError.badAnswer(program: program, server: serverAddress) }
    if user.isEmpty, secret.isEmpty { return nil }
    return user == "<token>" ? .identityToken(secret) : .basic(user: user, password: secret)
  }

  /// Keeps a login.
  func store(_ serverAddress: String, user: String, secret: String) async throws {
    let message: JSONValue = [
      "ServerURL": .string(serverAddress), "Username": .string(user), "Secret": .string(secret),
    ]
    let outcome = try await run(.store, serverAddress, input: message.serialized(.compact))
    guard outcome.isSuccess else { throw failure(.store, serverAddress, outcome, hiding: secret) }
  }

  /// Forgets the login for a server.
  ///
  /// Returns false when there was none.
  func erase(_ serverAddress: String) async throws -> Bool {
    let outcome = try await run(.erase, serverAddress, input: Array(serverAddress.utf8))
    if outcome.isSuccess { return true }
    if String(decoding: outcome.output, as: UTF8.self).contains(Self.notFound) { return false }
    throw failure(.erase, serverAddress, outcome)
  }

  private func failure(
    _ action: Action, _ server: String, _ outcome: Outcome, hiding secret: String = ""
  ) -> CredentialHelperError {
    let isBlank = outcome.message.allSatisfy { $0 <= 0x20 }
    // By the protocol the reason is on standard output; programs that fail otherwise write to the other
    // stream.
    var text = String(decoding: isBlank ? outcome.output : outcome.message, as: UTF8.self)
    if !secret.isEmpty { text = text.replacing(secret, with: "…") }
    let line = text.prefix(500).map {
      $0.isNewline || $0.asciiValue.map { $0 < 0x20 || $0 == 0x7F } == true ? " " : $0
    }
    return .failed(
      program: program, action: action.rawValue, server: server,
      message: String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
  }

  // MARK: Running

  private func run(_ action: Action, _ server: String, input: [UInt8]) async throws -> Outcome {
    guard input.count <= Self.inputLimit else {
      throw CredentialHelperError.tooLong(program: program, limit: Self.inputLimit)
    }
    return try await withThrowingTaskGroup(of: Outcome?.self) { group in
      group.addTask { try await spawn(action, input: input) }
      group.addTask {
        try await Task.sleep(for: timeLimit)
        return nil
      }
      let first = try await group.next() ?? nil
      // Leaving the group waits for the program, and cancelling kills it.
      group.cancelAll()
      try Task.checkCancellation()
      guard let first else {
        throw CredentialHelperError.timedOut(
          program: program, action: action.rawValue, server: server, seconds: timeLimit.components.seconds)
      }
      return first
    }
  }

  private func spawn(_ action: Action, input: [UInt8]) async throws -> Outcome {
    let variables = environment.variables.compactMap { name, value in
      Environment.Key(rawValue: name).map { ($0, value) }
    }
    do {
      let result = try await Subprocess.run(
        .path(FilePath(path)), arguments: [action.rawValue],
        environment: .custom(Dictionary(variables) { first, _ in first }),
        input: .fileDescriptor(try Self.filledPipe(input), closeAfterSpawningProcess: true),
        output: .bytes(limit: Self.outputLimit), error: .bytes(limit: Self.outputLimit))
      return Outcome(
        isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput,
        message: result.standardError)
    } catch let error as SubprocessError {
      throw CredentialHelperError.notRun(program: program, reason: error.description)
    }
  }

  /// A pipe's reading end, with the input in it.
  ///
  /// A helper that never reads can then neither block us nor kill us by `SIGPIPE`.
  private static func filledPipe(_ input: [UInt8]) throws -> FileDescriptor {
    let ends = try FileDescriptor.pipe(options: .closeOnExec)
    try ends.writeEnd.closeAfter { _ = try ends.writeEnd.writeAll(input) }
    return ends.readEnd
  }
}

/// Why a credential helper could not do what was asked.
///
/// Secrets are in none of these.
enum CredentialHelperError: Error, Hashable, CustomStringConvertible {
  /// The configured name cannot be part of a program's name.
  case badName(String)
  /// The program is not in `PATH`.
  case notInstalled(String)
  /// The program could not be started, or not be listened to.
  case notRun(program: String, reason: String)
  /// It said no; `message` is what it wrote.
  case failed(program: String, action: String, server: String, message: String)
  /// It took too long.
  case timedOut(program: String, action: String, server: String, seconds: Int64)
  /// Its answer is not the JSON of the protocol.
  case badAnswer(program: String, server: String)
  /// The login is longer than can be handed over, in bytes.
  case tooLong(program: String, limit: Int)

  var description: String {
    switch self {
    case .badName(let name):
      "\"\(name)\" is no name of a credential helper; it must be one word without slashes"
    case .notInstalled(let program):
      "the credential helper \(program) is not in PATH; "
        + "install it, or remove it from credsStore or credHelpers"
    case .notRun(let program, let reason): "cannot run the credential helper \(program): \(reason)"
    case .failed(let program, let action, let server, let message):
      "\(program) \(action) failed for \(server): \(message.isEmpty ? "it gave no reason" : message)"
    case .timedOut(let program, let action, let server, let seconds):
      "\(program) \(action) for \(server) did not finish within \(seconds) s; "
        + "does it wait for a password or a keyring?"
    case .badAnswer(let program, let server):
      "\(program) get answered for \(server) with something else than {\"Username\": …, \"Secret\": …}"
    case .tooLong(let program, let limit):
      "the login is longer than the \(limit) bytes \(program) can be given"
    }
  }
}
