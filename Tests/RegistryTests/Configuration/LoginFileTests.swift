import Hashing
import OrderedJSON
import Testing

@testable import Registry

@Suite struct LoginFileTests {
  private func name(_ text: String) throws -> LoginName { try #require(LoginName(text)) }

  private func file(_ text: String, layout: LoginFile.Layout = .current) throws -> LoginFile {
    try LoginFile(parsing: Array(text.utf8), name: "config.json", layout: layout)
  }

  private func auth(_ user: String, _ password: String) -> String {
    "{\"auth\": \"\(Base64.encode(Array("\(user):\(password)".utf8)))\"}"
  }

  /// The user's name found for an image in a file with one entry for each key, named like it.
  private func user(for image: String, keys: [String], layout: LoginFile.Layout = .current) throws -> String?
  {
    let entries = keys.map { "\"\($0)\": {\"username\": \"\($0)\", \"password\": \"p\"}" }.joined(
      separator: ",")
    let text = layout == .flat ? "{\(entries)}" : "{\"auths\": {\(entries)}}"
    guard
      case .credentials(.basic(let user, _))? = try file(text, layout: layout).sources(for: name(image)).first
    else { return nil }
    return user
  }

  @Test(
    arguments: [
      ("quay.io/a/b", ["quay.io", "quay.io/a/b", "quay.io/a"], "quay.io/a/b"),
      ("quay.io/a/c", ["quay.io", "quay.io/a/b", "quay.io/a"], "quay.io/a"),
      ("quay.io/ab", ["quay.io", "quay.io/a/b", "quay.io/a"], "quay.io"),
      ("quay.io/a", ["quay.io:443"], nil),
      ("quay.io:443/a", ["quay.io"], nil),
      ("localhost:5000/a", ["localhost", "localhost:5000"], "localhost:5000"),
      ("quay.io/a", ["https://quay.io"], "https://quay.io"),
      ("quay.io/a", ["http://quay.io/v1/"], "http://quay.io/v1/"),
      ("quay.io/a", ["https://quay.io/v2/", "quay.io"], "quay.io"),
      ("quay.io/a", ["https://quay.io/a/access-token"], nil),
      ("docker.io/library/nix", ["https://index.docker.io/v1/"], "https://index.docker.io/v1/"),
      ("docker.io/library/nix", ["index.docker.io"], "index.docker.io"),
      ("docker.io/library/nix", ["registry-1.docker.io"], "registry-1.docker.io"),
      ("docker.io/library/nix", ["https://registry-1.docker.io/v2/"], "https://registry-1.docker.io/v2/"),
      ("docker.io/library/nix", ["https://index.docker.io/v1/", "docker.io"], "docker.io"),
      ("docker.io/library/nix", ["docker.io", "docker.io/library"], "docker.io/library"),
      ("docker.io/library/nix", ["https://index.docker.io/v1/refresh-token"], nil),
      ("index.docker.io/library/nix", ["docker.io"], "docker.io"),
      ("[::1]:5000/a", ["[::1]:5000"], "[::1]:5000"),
    ] as [(String, [String], String?)]) func `the entry with the longest name counts, and old keys after it`(
      image: String, keys: [String], expected: String?
    ) throws
  {
    #expect(try user(for: image, keys: keys) == expected)
  }

  @Test(
    arguments: [
      ("quay.io/a", ["https://quay.io/v1/"], "https://quay.io/v1/"),
      ("quay.io/a", ["quay.io/a", "quay.io"], "quay.io"),
      ("docker.io/library/nix", ["https://index.docker.io/v1/"], "https://index.docker.io/v1/"),
    ] as [(String, [String], String?)]) func `dockercfg has its entries at the top, and registries only`(
      image: String, keys: [String], expected: String?
    ) throws
  {
    #expect(try user(for: image, keys: keys, layout: .flat) == expected)
  }

  @Test(
    arguments: [
      (#"{"auth": "dTpw"}"#, Credentials.basic(user: "u", password: "p")),
      (#"{"auth": "dTpwOnE6"}"#, .basic(user: "u", password: "p:q:")),
      (#"{"auth": "dTpwAAAA"}"#, .basic(user: "u", password: "p")),
      (#"{"auth": "dTo="}"#, .basic(user: "u", password: "")),
      (#"{"auth": "w7w6w6k="}"#, .basic(user: "ü", password: "é")),
      (#"{"username": "u", "password": "p"}"#, .basic(user: "u", password: "p")),
      (#"{"auth": "", "username": "u", "password": "p"}"#, .basic(user: "u", password: "p")),
      (#"{"auth": "dTo=", "identitytoken": "t"}"#, .identityToken("t")),
      (#"{"identitytoken": "t", "registrytoken": "r"}"#, .registryToken("r")),
      (
        #"{"auth": "dTpw", "email": "x", "identitytoken": "", "registrytoken": null}"#,
        .basic(user: "u", password: "p")
      ),
    ] as [(String, Credentials)]) func `an entry says what it holds`(entry: String, expected: Credentials)
    throws
  {
    let sources = try file("{\"auths\": {\"a.com\": \(entry)}}").sources(for: name("a.com/x"))
    #expect(sources == [.credentials(expected)])
  }

  @Test(arguments: ["{}", "null", #"{"email": "x"}"#, #"{"auth": ""}"#])
  func `an entry without content is none`(entry: String) throws {
    let text = "{\"auths\": {\"a.com/x\": \(entry), \"a.com\": \(auth("outer", "p"))}}"
    #expect(
      try file(text).sources(for: name("a.com/x")) == [.credentials(.basic(user: "outer", password: "p"))])
    #expect(try file("{\"auths\": {\"a.com\": \(entry)}}").sources(for: name("a.com")).isEmpty)
  }

  @Test func `a registry's own helper goes first and leaves the general store out`() throws {
    let text = """
      {"auths": {"a.com": {}, "b.com": \(auth("u", "p")), "a.com/ns": \(auth("n", "p"))},
       "credHelpers": {"a.com": "one", "gcr.io": ""}, "credsStore": "all"}
      """
    let file = try file(text)
    #expect(try file.sources(for: name("a.com/x")) == [.helper(name: "one", serverAddress: "a.com")])
    #expect(
      try file.sources(for: name("a.com/ns/x")) == [
        .helper(name: "one", serverAddress: "a.com"), .credentials(.basic(user: "n", password: "p")),
      ])
    #expect(
      try file.sources(for: name("b.com/x")) == [
        .credentials(.basic(user: "u", password: "p")), .helper(name: "all", serverAddress: "b.com"),
      ])
    #expect(try file.sources(for: name("c.com:5/x")) == [.helper(name: "all", serverAddress: "c.com:5")])
    #expect(try file.keeper(for: name("a.com"))?.name == "one")
    #expect(try file.keeper(for: name("b.com"))?.name == "all")
  }

  @Test(arguments: ["docker.io", "index.docker.io", "https://index.docker.io/v1/"])
  func `Docker Hub's helper is found under each of its names and asked for the one it is configured by`(
    key: String
  ) throws {
    let file = try file("{\"credHelpers\": {\"\(key)\": \"h\"}}")
    #expect(try file.sources(for: name("docker.io/library/nix")) == [.helper(name: "h", serverAddress: key)])
  }

  @Test func `the general store knows Docker Hub by its URL`() throws {
    let file = try file(#"{"credsStore": "s"}"#)
    #expect(
      try file.sources(for: name("docker.io/library/nix"))
        == [.helper(name: "s", serverAddress: "https://index.docker.io/v1/")])
  }

  @Test(arguments: [
    "[]", "{", "{\"auths\": []}", "{\"auths\": {\"a.com\": 1}}", "{\"auths\": {\"a.com\": {\"auth\": 1}}}",
    "{\"auths\": {\"a.com\": {\"auth\": \"dTpw=\"}}}", "{\"auths\": {\"a.com\": {\"auth\": \"!!!!\"}}}",
    "{\"auths\": {\"a.com\": {\"auth\": \"dQ==\"}}}", "{\"auths\": {\"a.com\": {\"auth\": \"OnA=\"}}}",
    "{\"auths\": {\"a.com\": {\"auth\": \"/zr/\"}}}", "{\"auths\": {\"a.com\": {\"username\": []}}}",
    "{\"credHelpers\": 1}", "{\"credHelpers\": {\"a.com\": 1}}", "{\"credsStore\": {}}",
    "{\"auths\": {}, \"auths\": {}}",
  ]) func `a malformed file is refused by its name`(text: String) throws {
    #expect {
      try file(text).sources(for: name("a.com"))
    } throws: { error in
      "\(error)".hasPrefix("config.json: ")
    }
  }

  @Test func `a message about a fault never quotes the file`() throws {
    for text in [
      #"{"auths": {"a.com": {"auth": "SECRET", "auth": "SECRET"}}}"#,
      #"{"auths": {"a.com": {"auth": "SECRET"#,
      #"{"auths": {"a.com": {"auth": "SECRET!"}}}"#, #"{"a": SECRET}"#,
    ] {
      #expect {
        try file(text).sources(for: name("a.com"))
      } throws: {
        !"\($0)".contains("SECRET") && !String(reflecting: $0).contains("SECRET")
      }
    }
  }

  @Test(arguments: ["", " \n", "{}", #"{"auths": null}"#]) func `an empty file has no logins`(text: String)
    throws
  {
    #expect(try file(text).sources(for: name("a.com")).isEmpty)
  }

  // MARK: Editing

  @Test func `setting a login keeps unknown members and the order`() throws {
    var edited = try file(
      """
      {"HttpHeaders": {"X": "y"}, "auths": {"b.com": {"auth": "eDp5", "email": "e"}, "a.com": {}},
       "psFormat": "table", "n": 12345678901}
      """)
    edited.set(user: "u", password: "p:q", for: try name("b.com"))
    edited.set(user: "v", password: "w", for: try name("c.com/ns"))
    #expect(
      String(decoding: edited.contents, as: UTF8.self) == """
        {
          "HttpHeaders": {
            "X": "y"
          },
          "auths": {
            "b.com": {
              "auth": "dTpwOnE=",
              "email": "e"
            },
            "a.com": {},
            "c.com/ns": {
              "auth": "djp3"
            }
          },
          "psFormat": "table",
          "n": 12345678901
        }

        """)
  }

  @Test func `a new login replaces tokens and other spellings of the same registry`() throws {
    var edited = try file(
      #"{"auths": {"https://a.com/v1/": {"auth": "eDp5"}, "a.com": {"identitytoken": "t", "auth": "eDo="}}}"#)
    edited.set(user: "u", password: "p", for: try name("a.com"))
    #expect(edited.keys == ["a.com"])
    #expect(try edited.sources(for: name("a.com")) == [.credentials(.basic(user: "u", password: "p"))])
  }

  @Test func `Docker Hub is written under the key that docker reads`() throws {
    var edited = LoginFile(name: "x")
    edited.set(user: "u", password: "p", for: try name("docker.io"))
    #expect(edited.keys == ["https://index.docker.io/v1/"])
    #expect(try edited.sources(for: name("docker.io/library/nix")).count == 1)
  }

  @Test func `what is written is read again`() throws {
    var edited = LoginFile(name: "x")
    for (user, password) in [("u", ":"), ("ü x", "p\"\\\n"), ("u", String(repeating: "é", count: 4000))] {
      edited.set(user: user, password: password, for: try name("a.com"))
      let again = try LoginFile(parsing: edited.contents, name: "x")
      #expect(try again.sources(for: name("a.com")) == [.credentials(.basic(user: user, password: password))])
    }
  }

  @Test(
    arguments: [
      ("a.com", ["a.com", "https://a.com/v1/"], ["a.com/ns", "b.com"]),
      ("a.com/ns", ["a.com/ns"], ["a.com", "https://a.com/v1/", "b.com"]),
      ("c.com", [], ["a.com", "https://a.com/v1/", "a.com/ns", "b.com"]),
    ] as [(String, [String], [String])]) func `removing takes every spelling of the name and nothing else`(
      text: String, removed: [String], left: [String]
    ) throws
  {
    var edited = try file(
      #"{"auths": {"a.com": {}, "https://a.com/v1/": {}, "a.com/ns": {}, "b.com": {}}, "x": 1}"#)
    #expect(edited.remove(try name(text)) == removed)
    #expect(edited.keys == left)
  }

  @Test func `dockercfg is edited at the top`() throws {
    var edited = try file(#"{"https://a.com/v1/": {"auth": "eDp5"}, "b.com": {}}"#, layout: .flat)
    edited.remove(try name("a.com"))
    edited.set(user: "u", password: "p", for: try name("b.com"))
    #expect(String(decoding: edited.contents, as: UTF8.self).contains("auths") == false)
    #expect(try edited.sources(for: name("b.com")).count == 1)
    #expect(edited.removeAll() == ["b.com"])
  }

  // MARK: Names

  @Test(arguments: [
    ("quay.io", "quay.io", ""), ("https://quay.io/v2/", "quay.io", ""), ("quay.io/", "quay.io", ""),
    ("quay.io/a/b", "quay.io", "a/b"), ("localhost:5000", "localhost:5000", ""),
    ("registry-1.docker.io", "docker.io", ""), ("[::1]:5000/a", "[::1]:5000", "a"),
  ]) func `a registry is recognised however it is written`(text: String, domain: String, path: String) throws
  {
    let name = try name(text)
    #expect(name.domain == domain)
    #expect(name.path == path)
  }

  @Test(arguments: ["", "/", "https://", "a b.com", "u:p@quay.io", "quäy.io", "a\n.com"])
  func `what cannot be a registry is none`(text: String) {
    #expect(LoginName(text) == nil)
  }
}
