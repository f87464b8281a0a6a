# Cooper as a package of nixpkgs: pkgs.callPackage ./package.nix { }.
#
# It needs Swift 6.3, which nixpkgs had not when this was written: give it as `swift` with `swiftpm` (one toolchain with both will do). The
# libraries that Swift programs are built of are fetched at the revisions below, so nothing is fetched while building.
{ lib
, stdenv
, swift
, swiftpm ? swift
, pkg-config
, autoPatchelfHook
, curl
, openssl
, libarchive
, zstd
, libdeflate
, jansson
, sqlite
, isa-l
}:

let
  source = ../..;
  hasISAL = stdenv.hostPlatform.isx86_64 || stdenv.hostPlatform.isAarch64;
  # As Package.resolved has them.
  pins = {
    swift-argument-parser = { owner = "apple"; version = "1.8.2"; revision = "436bde4bb9489201ca6662f5cf94ec45fa8e244e"; };
    swift-atomics = { owner = "apple"; suffix = ".git"; version = "1.3.0"; revision = "6c7dbee0cc6840dffa75a29a46834d0714135e93"; };
    swift-collections = { owner = "apple"; suffix = ".git"; version = "1.6.0"; revision = "b9f4b3586ced378bbddc36a676d2aca082492ed9"; };
    swift-nio = { owner = "apple"; version = "2.101.2"; revision = "3398e4aaa6104439e99b3a73572f5b272b39e735"; };
    swift-subprocess = { owner = "swiftlang"; version = "1.0.2"; revision = "9bd1364dd6602b7729e54067dccc5babf0ced244"; };
    swift-system = { owner = "apple"; version = "1.8.1"; revision = "a7b0cdcbe3928cc5501238df4756be9a5db11b83"; };
  };
  location = name: pin: "https://github.com/${pin.owner}/${name}${pin.suffix or ""}";
  checkouts = lib.mapAttrs (name: pin: builtins.fetchGit { url = location name pin; rev = pin.revision; allRefs = true; }) pins;

  # What Swift's package manager believes to have fetched itself.
  state = {
    version = 7;
    object = {
      artifacts = [ ];
      prebuilts = [ ];
      dependencies = lib.mapAttrsToList
        (name: pin: {
          basedOn = null;
          packageRef = { identity = name; kind = "remoteSourceControl"; location = location name pin; inherit name; };
          state = { name = "sourceControlCheckout"; checkoutState = { inherit (pin) revision version; }; };
          subpath = name;
        })
        pins;
    };
  };
  resolved = {
    version = 3;
    pins = lib.mapAttrsToList
      (name: pin: {
        identity = name;
        kind = "remoteSourceControl";
        location = location name pin;
        state = { inherit (pin) revision version; };
      })
      pins;
  };
  # Loaded when they are needed.
  later = lib.makeLibraryPath [ curl sqlite ];
in
stdenv.mkDerivation {
  pname = "cooper";
  version = "0.1.0";
  src = lib.cleanSourceWith {
    src = source;
    filter = path: _: ! lib.elem (baseNameOf path) [ ".build" ".git" ];
  };

  # Where Debian has it.
  postPatch = lib.optionalString hasISAL "substituteInPlace Package.swift --replace-fail /usr/include/ ${lib.getDev isa-l}/include/";

  nativeBuildInputs = [ swift swiftpm pkg-config autoPatchelfHook ];
  # The program that works in virtual machines is linked without shared libraries, the C library's neither.
  buildInputs = [ curl openssl libarchive zstd libdeflate jansson sqlite ]
    ++ lib.optional hasISAL isa-l
    ++ lib.optional (stdenv.cc.libc ? static) stdenv.cc.libc.static;

  state = builtins.toJSON state;
  resolved = builtins.toJSON resolved;
  passAsFile = [ "state" "resolved" ];
  configurePhase = ''
    runHook preConfigure
    export HOME=$TMPDIR
    mkdir -p .build/checkouts
    ${lib.concatStrings (lib.mapAttrsToList (name: checkout: ''
      cp -r ${checkout} .build/checkouts/${name}
      chmod -R u+w .build/checkouts/${name}
    '') checkouts)}
    cp "$statePath" .build/workspace-state.json
    cp "$resolvedPath" Package.resolved
    runHook postConfigure
  '';

  buildPhase = ''
    runHook preBuild
    for product in cooper cooper-guest; do
      swift build --configuration release --static-swift-stdlib --product $product --disable-sandbox --skip-update -j "$NIX_BUILD_CORES"
    done
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    install -D .build/release/cooper $out/bin/cooper
    install -D .build/release/cooper-guest $out/libexec/cooper/cooper-guest
    ln -s cooper $out/bin/nix-prefetch-docker
    runHook postInstall
  '';

  # No wrapper: stream scripts name the program in their first line, and Linux wants a real one there.
  appendRunpaths = [ later ];

  meta = {
    description = "Makes, fetches and reshapes container images";
    license = lib.licenses.asl20;
    mainProgram = "cooper";
    platforms = lib.platforms.linux;
  };
}
