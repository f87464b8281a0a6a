import OrderedJSON
import TestSupport
import Testing

/// The cases of nixpkgs' own tests, by their numbers in nix-dockertools.md, section 17, on the functions of tools/nix.
///
/// Images are built in Nix's sandbox, loaded into a real Docker, and run. `Tests/PeerCases.md` tells which case is where.
@Suite(WithNixStore(), WithDockerDaemon(), .serialized) struct NixPeerTests {
  /// Arguments of a base image with programs to look around with.
  static let programs = #"name = "base"; contents = [ busybox ];"#

  @Test func `3, 5 and 7: without store paths there are none with fakechroot, either`() async throws {
    let place = try NixPlace.suite
    let image = """
      dockerTools.streamLayeredImage {
        name = "linked"; tag = "1"; contents = hello; includeStorePaths = false; config.Cmd = [ "/bin/hello" ];
        enableFakechroot = true; fakeRootCommands = "echo made > /made";
      }
      """
    let files = try await place.files(of: place.archive(image))
    #expect(files.count == 1 && files[0].contains { $0.hasSuffix(" ./made") })
    #expect(!files[0].contains { $0.contains("nix/store/") && !$0.contains(" -> ") })
    try await place.load(image)
    await #expect(throws: (any Error).self) { try await place.container("linked:1") }
    let mount = ["--volume", "\(place.store)/nix/store:/nix/store:ro"]
    #expect(try await place.container("linked:1", options: mount) == "Hello, world!")
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"])
  func `8 and 9: bash runs in an image of the first second of 1970, under its tag`(function: String)
    async throws
  {
    let place = try NixPlace.suite
    let contents = function == "buildImage" ? "copyToRoot" : "contents"
    let image = "dockerTools.\(function) { name = \"bash\"; tag = \"5\"; \(contents) = bashInteractive; }"
    #expect(try await place.run(image, ["/bin/bash", "--version"]).hasPrefix("GNU bash, version 5"))
    #expect(try await place.evaluate("(\(image)).imageTag") == "5")
    #expect(try await place.inspect("bash:5")["Created"] == "1970-01-01T00:00:01Z")
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"], ["none", "gz", "zstd"])
  func `11 to 13: archives load, whatever they are compressed by`(function: String, compressor: String)
    async throws
  {
    let image = """
      dockerTools.\(function) {
        name = "packed"; compressor = "\(compressor)"; config.Cmd = [ "${hello}/bin/hello" ];
      }
      """
    #expect(try await NixPlace.suite.run(image) == "Hello, world!")
  }

  /// Whoever uses Nix in a container has no daemon, and no build users.
  private static let nixSettings = """
    config = { Env = [ "NIX_REMOTE=local" "NIX_CONFIG=build-users-group =" "USER=nobody" "PATH=/bin" ]; };
    extraCommands = "mkdir -m 1777 tmp";
    """

  @Test(arguments: [
    "buildImageWithNixDb { name = \"nix\"; copyToRoot = [ nix bash ];",
    "buildLayeredImageWithNixDb { name = \"nix\"; contents = [ nix bash ];",
    "streamLayeredImage { name = \"nix\"; contents = [ nix bash ]; includeNixDB = true;",
  ])
  func `14 and nix database, streamed: Nix knows what contents need`(function: String) async throws {
    let place = try NixPlace.suite
    let name = try #require(
      try await place.load("dockerTools.\(function) \(Self.nixSettings) }").first)
    for (package, query) in [("bash", "--references"), ("nix", "--requisites")] {
      let path = try #require(try await place.evaluate("\"${\(package)}\"").string)
      let inside = try await place.container(name, ["/bin/nix-store", "--query", query, path])
      let outside = try await place.nix("nix-store", ["--query", query, path]).text
      #expect(!outside.isEmpty)
      #expect(Set(inside.split(separator: "\n")) == Set(outside.split(separator: "\n")))
    }
  }

  @Test func `15: the store of a layered image is for everybody`() async throws {
    let place = try NixPlace.suite
    let image = "dockerTools.buildLayeredImage { \(Self.programs) }"
    let command = ["/bin/stat", "-c", "%a %u %n", "/nix", "/nix/store"]
    #expect(
      try await place.run(image, command, options: ["--user", "1000:1000"]) == "755 0 /nix\n755 0 /nix/store")
  }

  @Test(arguments: ["buildImage { copyToRoot", "buildLayeredImage { contents"])
  func `16 and 17: links inside of a package stay links`(function: String) async throws {
    let place = try NixPlace.suite
    let nix = try #require(try await place.evaluate("\"${nix}\"").string)
    let image = "dockerTools.\(function) = [ busybox nix ]; name = \"links\"; }"
    let target = try await place.run(image, ["/bin/readlink", "\(nix)/bin/nix-daemon"])
    #expect(target == "nix")
  }

  @Test func `19: a server that runAsRoot has set up answers`() async throws {
    let place = try NixPlace.suite
    let image = """
      dockerTools.buildImage {
        name = "server"; tag = "1"; copyToRoot = [ busybox coreutils ];
        runAsRoot = ''
          mkdir -p /var/www
          echo served > /var/www/index.html
          chown -R 33:33 /var/www
        '';
        config = { Entrypoint = [ "/bin/httpd" ]; Cmd = [ "-f" "-p" "8080" "-u" "33:33" "-h" "/var/www" ]; ExposedPorts."8080/tcp" = { }; };
      }
      """
    try await place.load(image)
    let docker = try Engines.docker
    let container = try await docker.docker(["run", "--detach", "--network", "none", "server:1"]).text
    let script = "until wget -q -O - http://127.0.0.1:8080/index.html; do sleep 0.1; done"
    #expect(try await docker.docker(["exec", container, "/bin/sh", "-c", script]).text == "served")
    try await docker.docker(["rm", "--force", container])
  }

  @Test func `21: parentheses and quotes in commands are theirs`() async throws {
    let place = try NixPlace.suite
    let commands = #"(echo '"($HOME)"'; echo \"it\'s\" '`x`' ) > made"#
    let expected = "\"($HOME)\"\n\"it's\" `x`"
    for arguments in [
      "buildImage { copyToRoot = [ busybox ]; name = \"quotes\"; extraCommands = ''\(commands)'';",
      "buildImage { copyToRoot = [ busybox ]; name = \"quotes\"; runAsRoot = ''\(commands)'';",
      "buildLayeredImage { \(Self.programs) extraCommands = ''\(commands)'';",
      "buildLayeredImage { \(Self.programs) fakeRootCommands = ''\(commands)'';",
    ] {
      #expect(
        try await place.run("dockerTools.\(arguments) }", ["/bin/cat", "/made"]) == expected, "\(arguments)")
    }
  }

  @Test func `24: what extraCommands make is in a layered image that runs`() async throws {
    let image = """
      dockerTools.buildLayeredImage {
        name = "layered"; contents = [ busybox hello ]; extraCommands = "echo some > extra; mkdir -m 0700 closed";
      }
      """
    let command = ["/bin/sh", "-c", "hello; cat /extra; stat -c %a /closed"]
    #expect(try await NixPlace.suite.run(image, command) == "Hello, world!\nsome\n700")
  }

  @Test func `34: an image of two layers loads`() async throws {
    let place = try NixPlace.suite
    let image =
      "dockerTools.buildLayeredImage { name = \"two\"; tag = \"1\"; maxLayers = 2; contents = hello; }"
    #expect(try await place.run(image, ["/bin/hello"]) == "Hello, world!")
    #expect(try await place.inspect("two:1")["RootFS"]?["Layers"]?.array?.count == 2)
  }

  @Test func `37: a copied program brings no store path but its own`() async throws {
    let copied = "name = \"minimal\"; copyToRoot = [ busybox ];"
    let look = ["/bin/sh", "-c", "ls /nix/store || echo none"]
    let place = try NixPlace.suite
    #expect(try await place.run("dockerTools.buildImage { \(copied) }", look) == "none")
    let mentioned = "dockerTools.buildImage { \(copied) config.Cmd = [ \"${busybox}/bin/sh\" ]; }"
    let paths = try await place.run(mentioned, look)
    #expect(paths.split(separator: "\n").count == 1 && paths.hasSuffix("-busybox"), "\(paths)")
  }

  @Test func `38: Nix finds the files of the store whole, and they are what they were`() async throws {
    let place = try NixPlace.suite
    let image = """
      let file = stdenv.mkDerivation { name = "file"; buildPhase = "echo some data > file"; installPhase = "cp file $out"; };
      in dockerTools.buildImageWithNixDb {
        name = "whole"; copyToRoot = [ nix coreutils bash ]; \(Self.nixSettings.replacing("config = { ", with: "config = { Cmd = [ \"/bin/bash\" \"-ec\" \"nix-store --verify --check-contents; cat ${file}\" ]; "))
      }
      """
    #expect(try await place.run(image).hasSuffix("some data"))
  }

  @Test func `39: an image for another machine says so`() async throws {
    let place = try NixPlace.suite
    for (function, architecture) in [("buildImage", "arm64"), ("buildLayeredImage", "arm64")] {
      let image = """
        (callPackage (/. + "\(place.directory.path)/tools") { cooper = builtins.storePath "\(place.cooper)"; hostSystem = "aarch64-linux"; buildSystem = system; }).\(function)
          { name = "cross"; extraCommands = "echo x > x"; }
        """
      #expect(try await place.configuration(of: place.build(image))["architecture"]?.string == architecture)
    }
  }

  @Test func `40: a store path that is a link stays one`() async throws {
    let image = """
      let link = stdenv.mkDerivation { name = "link"; buildPhase = ":"; installPhase = "ln -s ${hello}/bin/hello $out"; };
      in dockerTools.buildLayeredImage {
        name = "linked"; contents = [ busybox ]; config.Cmd = [ "/bin/sh" "-c" "readlink ${link}; ${link}" ];
      }
      """
    let text = try await NixPlace.suite.run(image)
    #expect(
      text.hasPrefix("/nix/store/") && text.hasSuffix("-hello-2.12.1/bin/hello\nHello, world!"), "\(text)")
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"])
  func `41 and 42: a registry in the name stays there`(function: String) async throws {
    let place = try NixPlace.suite
    let names = try await place.load(
      "dockerTools.\(function) { name = \"registry-1.docker.io/image\"; tag = \"latest\"; config.Cmd = [ \"${hello}/bin/hello\" ]; }"
    )
    #expect(names == ["registry-1.docker.io/image:latest"])
    #expect(try await place.container(names[0]) == "Hello, world!")
  }

  @Test func `43, 50 and 57: owners that fake root gives stay, also with the image as root`() async throws {
    let place = try NixPlace.suite
    let plain = """
      dockerTools.buildLayeredImage { \(Self.programs) fakeRootCommands = "mkdir -p home/alice; chown 1000 home/alice"; }
      """
    let look = ["/bin/stat", "-c", "%u:%g %n"]
    #expect(try await place.run(plain, look + ["/home/alice", "/home"]) == "1000:0 /home/alice\n0:0 /home")
    let chroot = """
      dockerTools.streamLayeredImage {
        name = "chroot"; contents = [ busybox hello ]; enableFakechroot = true;
        fakeRootCommands = "mkdir /tmp; /bin/hello > /greeting; touch /file; chown 12345:12345 /file";
      }
      """
    let command = ["/bin/sh", "-c", "stat -c %u:%g /file; cat /greeting; hello"]
    #expect(try await place.run(chroot, command) == "12345:12345\nHello, world!\nHello, world!")
  }

  @Test(arguments: [("buildImage", "copyToRoot"), ("buildLayeredImage", "contents")])
  func `53 and 54: the architecture is what is said`(function: String, contents: String) async throws {
    let place = try NixPlace.suite
    let names = try await place.load(
      "dockerTools.\(function) { name = \"arm\"; architecture = \"arm64\"; \(contents) = hello; }")
    let name = try #require(names.first)
    #expect(try await place.inspect(name)["Architecture"] == "arm64")
  }

  @Test func `56: certificates are readable in their three places`() async throws {
    let image =
      #"dockerTools.buildLayeredImage { name = "certificates"; contents = [ busybox dockerTools.caCertificates ]; }"#
    let files = [
      "/etc/ssl/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
    ]
    let text = try await NixPlace.suite.run(image, ["/bin/cat"] + files)
    #expect(text.split(separator: "\n").count { $0 == "-----BEGIN CERTIFICATE-----" } == 3, "\(text)")
  }

  @Test func `58: the store of a layered image belongs to whom it says`() async throws {
    let place = try NixPlace.suite
    let image = """
      dockerTools.buildLayeredImage {
        \(Self.programs) uid = 1000; gid = 1001; uname = "user"; gname = "group";
      }
      """
    let path = try #require(try await place.evaluate("\"${busybox}\"").string)
    let look = ["/bin/stat", "-c", "%u:%g", path, "\(path)/bin/busybox", "/nix/store"]
    #expect(try await place.run(image, look) == "1000:1001\n1000:1001\n1000:1001")
    let script = #"tar -xOf "$1" "$(tar -tf "$1" | grep -m1 'layer.tar$')" | tar -tv"#
    let list = try await Program.check("/bin/bash", ["-c", script, "bash", place.archive(image)]).text
    #expect(list.contains(" user/group "), "\(list)")
  }
}
