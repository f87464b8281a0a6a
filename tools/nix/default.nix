# nixpkgs' dockerTools, made of Cooper: the same functions, with the arguments and defaults of the manual.
#
#   with nixpkgs:     dockerTools = pkgs.callPackage ./default.nix { cooper = pkgs.callPackage ./package.nix { }; };
#   without:          import ./default.nix { cooper = builtins.storePath "…"; bashInteractive = …; }
#                     where the path is what tools/nix/add-to-store prints
#
# Only builtins are used. A step of a build is one derivation whose builder is the program itself, with structured attributes: no shell, no stdenv
# and no KVM is involved. Packages are needed for what names them, and may be left out where nothing does.
{ cooper
, bashInteractive ? null
, bash ? bashInteractive
, coreutils ? null
, shadow ? null
, cacert ? null
, fakeNss ? null
, stdenv ? null
, # For `exportImage` with `vm`.
  qemu ? null
, linux ? null
, # On the PATH of scripts, beside bash and coreutils. By default what stdenv has there.
  scriptPackages ? (if stdenv == null then [ ] else stdenv.initialPath or [ ])
, # Nix's name of the machines that build, and of those that images are for.
  buildSystem ? (
    if stdenv != null then (stdenv.buildPlatform or stdenv.hostPlatform).system
    else builtins.currentSystem or (throw "cooper: no machine is known where evaluation is pure; give “buildSystem”, such as \"x86_64-linux\"")
  )
, hostSystem ? (if stdenv == null then buildSystem else stdenv.hostPlatform.system)
, # For `examples`.
  hello ? null
, redis ? null
, buildEnv ? null
, cowsay ? null
}:

let
  inherit (builtins)
    attrNames baseNameOf concatStringsSep elem filter head isList isString length replaceStrings split
    stringLength substring toJSON unsafeDiscardStringContext;

  # ------------------------------------------------------------------ what builtins lack
  toList = x: if x == null then [ ] else if isList x then x else [ x ];
  last = list: builtins.elemAt list (length list - 1);
  present = filter (x: x != null);
  lowerCase =
    let
      letters = text: builtins.genList (i: substring i 1 text) (stringLength text);
    in
    replaceStrings (letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (letters "abcdefghijklmnopqrstuvwxyz");
  warn = builtins.warn or (text: value: builtins.trace "warning: ${text}" value);
  need = package: name: user:
    if package != null then package
    else throw "cooper: ${user} needs the package ${name}; give it to the expression that makes these functions";

  # What Go calls a processor.
  goArchitecture = system:
    let
      cpu = head (split "-" system);
      names = {
        x86_64 = "amd64"; i686 = "386"; i586 = "386"; i486 = "386"; aarch64 = "arm64";
        armv5tel = "arm"; armv6l = "arm"; armv7a = "arm"; armv7l = "arm";
        powerpc64 = "ppc64"; powerpc64le = "ppc64le"; loongarch64 = "loong64"; mips64el = "mips64le";
      };
    in
    names.${cpu} or cpu;
  hostArchitecture = goArchitecture hostSystem;

  compressors = { none = ""; gz = ".gz"; zstd = ".zst"; };
  extension = compressor:
    compressors.${compressor} or (throw
      "cooper: there is no compressor ${toJSON compressor}; there are ${concatStringsSep ", " (map toJSON (attrNames compressors))}");

  # The last component of an image's name, which derivations are called by.
  lastComponent = name: last (filter isString (split "/" name));
  # The hash in the path of an output, when it is not to be built for that.
  outputHash = drv: substring 0 32 (baseNameOf (unsafeDiscardStringContext drv.outPath));

  # ------------------------------------------------------------------ steps
  step = kind: name: attributes: derivation ({
    inherit name;
    system = buildSystem;
    builder = "${cooper}/bin/cooper";
    args = [ "nix-build-step" kind ];
    __structuredAttrs = true;
  } // attributes);

  # A derivation with more attributes, which it keeps as its own output, as mkDerivation's have them.
  attach = drv: extra: meta:
    let
      self = drv // extra // {
        out = self;
        all = [ self ];
        passthru = extra;
        inherit meta;
      };
    in
    self;

  # A function whose results can be made again with other arguments.
  overridable = function: args:
    function args // {
      override = change: overridable function (args // (if builtins.isFunction change then change args else change));
    };

  textFile = name: text: step "text" name { inherit text; preferLocalBuild = true; };

  # What scripts find.
  scripts = user: texts:
    if filter (text: text != null && text != "") texts == [ ] then { }
    else {
      path = map (package: "${package}/bin")
        ([ (need bash "bash" user) ] ++ present [ coreutils ] ++ scriptPackages);
    };

  # An image that shows its store paths would keep all of them.
  withoutReferences = compressor: if compressor == "none" then { unsafeDiscardReferences = { out = true; }; } else { };

  # ------------------------------------------------------------------ layered images
  streamLayeredImage = overridable (
    { name
    , tag ? null
    , fromImage ? null
    , contents ? [ ]
    , config ? { }
    , architecture ? hostArchitecture
    , created ? "1970-01-01T00:00:01Z"
    , mtime ? "1970-01-01T00:00:01Z"
    , uid ? 0
    , gid ? 0
    , uname ? "root"
    , gname ? "root"
    , maxLayers ? 100
    , extraCommands ? ""
    , fakeRootCommands ? ""
    , enableFakechroot ? false
    , includeStorePaths ? true
    , includeNixDB ? false
    , # Beyond the manual: “cooper spec layered” tells what these are.
      layering ? "popularity"
    , permissions ? [ ]
    , passthru ? { }
    , meta ? { }
    }@args:
    let
      baseName = lastComponent name;
      items = map (item: "${item}") (toList contents);
      base = if fromImage == null then null else "${fromImage}";

      # Its references are the closure of `config`.
      baseJSON = textFile "${baseName}-base.json" (toJSON { inherit architecture config; os = "linux"; });

      customisation = step "customisation" "${baseName}-customisation-layer" (
        {
          spec = {
            name = "layer";
            contents = items;
            fromImage = if items == [ ] then null else base;
            inherit architecture extraCommands fakeRootCommands enableFakechroot includeNixDB permissions;
          };
          # Items may be below store paths, which Nix exports no graph of; a file that speaks of them has one.
          ${if includeNixDB then "exportReferencesGraph" else null} = {
            graph = [ (textFile "${baseName}-contents.json" (toJSON items)) ];
          };
        }
        // scripts "a layered image with commands" [ extraCommands fakeRootCommands ]
      );

      conf = step "conf" "${baseName}-conf.json" {
        spec = {
          inherit name tag architecture created mtime uid gid uname gname maxLayers includeStorePaths layering;
          fromImage = base;
        };
        inherit baseJSON customisation;
        exportReferencesGraph = { graph = if includeStorePaths then [ baseJSON customisation ] else [ ]; };
        preferLocalBuild = true;
      };

      script = step "script" "stream-${baseName}" {
        inherit conf;
        program = "${cooper}/bin/cooper";
        preferLocalBuild = true;
      };
    in
    if maxLayers < 2 then
      throw "cooper: maxLayers is ${toString maxLayers}; the least is 2, one layer for store paths and one for everything else"
    else if ! elem layering [ "popularity" "auto" ] && ! isList layering then
      throw "cooper: there is no layering ${toJSON layering}; there are \"popularity\", \"auto\", and lists of lists of store paths"
    else
      attach script
        (passthru // {
          inherit conf;
          buildArgs = args;
          imageTag = if tag != null then tag else outputHash conf;
          isExe = true;
        })
        meta
  );

  # What it does not know itself, streamLayeredImage does or refuses.
  buildLayeredImage = overridable (
    { name
    , compressor ? "gz"
    , passthru ? { }
    , meta ? { }
    , ...
    }@args:
    compressed "${lastComponent name}.tar" compressor (streamLayeredImage (removeAttrs args [ "compressor" "passthru" "meta" ]))
      ({ buildArgs = args; } // passthru)
      meta
  );

  # What a stream script writes, in a file.
  compressed = name: compressor: stream: extra: meta:
    attach
      (step "image-of-conf" "${name}${extension compressor}" (
        { inherit (stream) conf; inherit compressor; } // withoutReferences compressor
      ))
      (extra // { inherit stream; inherit (stream) conf imageTag; })
      meta;

  # ------------------------------------------------------------------ images with one layer
  buildImage = overridable (
    { name
    , tag ? null
    , fromImage ? null
    , fromImageName ? null
    , fromImageTag ? null
    , copyToRoot ? null
    , contents ? null
    , keepContentsDirlinks ? false
    , runAsRoot ? null
    , extraCommands ? ""
    , config ? null
    , architecture ? hostArchitecture
    , diskSize ? 1024
    , buildVMMemorySize ? 512
    , created ? "1970-01-01T00:00:01Z"
    , uid ? 0
    , gid ? 0
    , compressor ? "gz"
    , includeNixDB ? false
    , meta ? { }
    }@args:
    let
      baseName = lastComponent name;
      root =
        if contents == null then copyToRoot
        else if copyToRoot != null then
          throw "cooper: image ${name}: “contents” is the old name of “copyToRoot”, and both are given"
        else
          warn "image ${name}: “contents” is the old name of “copyToRoot” and will go away; use the new one" contents;
      spec = {
        inherit name fromImageName fromImageTag keepContentsDirlinks runAsRoot extraCommands config architecture
          diskSize buildVMMemorySize created uid gid includeNixDB;
        fromImage = if fromImage == null then null else "${fromImage}";
        copyToRoot = map (item: "${item}") (toList root);
      };
      # Whatever the layer can speak of is in the closure of this file.
      roots = textFile "${baseName}-config.json" (toJSON { inherit (spec) copyToRoot config extraCommands runAsRoot; });
      attributes = {
        exportReferencesGraph = { graph = [ roots ]; };
      } // scripts "an image with commands" [ extraCommands runAsRoot ];
      layer = step "layer" "docker-layer-${baseName}" ({ inherit spec; } // attributes);
      image = step "image" "docker-image-${baseName}.tar${extension compressor}" (
        { spec = spec // { inherit tag compressor; }; } // attributes // withoutReferences compressor
      );
    in
    attach image
      {
        inherit layer;
        buildArgs = args;
        imageTag = if tag != null then tag else outputHash image;
      }
      meta
  );

  # ------------------------------------------------------------------ registries and archives
  pullImage = overridable (
    let
      replaced = replaceStrings [ "/" ":" ] [ "-" "-" ];
    in
    { imageName
    , imageDigest
    , hash ? ""
    , sha256 ? ""
    , os ? "linux"
    , arch ? hostArchitecture
    , finalImageName ? imageName
    , finalImageTag ? "latest"
    , tlsVerify ? true
    , name ? replaced "docker-image-${finalImageName}-${finalImageTag}.tar"
    , # Files with logins as a build sees them: what Docker, podman or curl keep. See README.md.
      authfile ? null
    , netrc ? null
    }:
    if hash != "" && sha256 != "" then throw "cooper: pullImage ${imageName}: both “hash” and “sha256” are given"
    else
      step "pull" name {
        inherit imageName imageDigest os arch finalImageName finalImageTag tlsVerify;
        ${if authfile == null then null else "authfile"} = "${authfile}";
        ${if netrc == null then null else "netrc"} = "${netrc}";
        ${if cacert == null then null else "certificates"} = "${cacert}/etc/ssl/certs/ca-bundle.crt";
        outputHashMode = "flat";
        outputHash = if hash != "" then hash else sha256;
        # A hash in SRI form names its own.
        ${if builtins.match "[a-z0-9]+-.*" hash == null then "outputHashAlgo" else null} = "sha256";
        preferLocalBuild = true;
        impureEnvVars = [
          "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy"
          "HTTP_PROXY" "HTTPS_PROXY" "FTP_PROXY" "ALL_PROXY" "NO_PROXY"
          "NIX_SSL_CERT_FILE" "DOCKER_AUTH_CONFIG" "REGISTRY_AUTH_FILE" "NETRC" "CONTAINERS_REGISTRIES_CONF"
        ];
      }
  );

  exportImage = overridable (
    { fromImage
    , fromImageName ? null
    , fromImageTag ? null
    , diskSize ? 1024
    , name ? fromImage.name
    , # Whether the layers are unpacked in a virtual machine, as nixpkgs does it; the bytes are the same. Then `diskSize` counts.
      vm ? false
    }:
    step "export" name ({
      inherit fromImageName fromImageTag;
      fromImage = "${fromImage}";
      unsafeDiscardReferences = { out = true; };
    } // (if vm then {
      inherit vm diskSize;
      path = [ "${need qemu "qemu" "exportImage with “vm”"}/bin" ];
      kernel = "${need linux "linux" "exportImage with “vm”"}";
      modules = "${linux.modules or linux}";
    } else { }))
  );

  mergeImages = images: step "merge" "merge-docker-images" (
    { images = map (image: "${image}") images; } // withoutReferences "none"
  );

  # ------------------------------------------------------------------ environment helpers
  helper = name: attributes: step "helper" name (attributes // { preferLocalBuild = true; });

  usrBinEnv = helper "usr-bin-env" { helper = "usrBinEnv"; target = "${need coreutils "coreutils" "usrBinEnv"}"; };
  binSh = helper "bin-sh" { helper = "binSh"; target = "${need bashInteractive "bashInteractive" "binSh"}"; };
  caCertificates = helper "ca-certificates" { helper = "caCertificates"; target = "${need cacert "cacert" "caCertificates"}"; };

  makeFakeNss = overridable (
    { extraPasswdLines ? [ ], extraGroupLines ? [ ] }:
    helper "fake-nss" { helper = "fakeNss"; inherit extraPasswdLines extraGroupLines; }
  );

  # As `cooper helper shadowSetup --script` prints it: a text has to be there before anything is built.
  shadowSetup =
    let
      shell = "${need bashInteractive "bashInteractive" "shadowSetup"}/bin/bash";
    in
    ''
      export PATH='${need shadow "shadow" "shadowSetup"}/bin':$PATH
      mkdir -p '/etc/pam.d'
      if [ ! -f '/etc/passwd' ]; then
        printf '%s\n' 'root:x:0:0::/root:${shell}' > '/etc/passwd'
        chmod 644 '/etc/passwd'
        printf '%s\n' 'root:!x:::::::' > '/etc/shadow'
        chmod 600 '/etc/shadow'
      fi
      if [ ! -f '/etc/group' ]; then
        printf '%s\n' 'root:x:0:' > '/etc/group'
        chmod 644 '/etc/group'
        printf '%s\n' 'root:x::' > '/etc/gshadow'
        chmod 600 '/etc/gshadow'
      fi
      if [ ! -f '/etc/pam.d/other' ]; then
        printf '%s\n' 'account sufficient pam_unix.so' 'auth sufficient pam_rootok.so' 'password requisite pam_unix.so nullok yescrypt' 'session required pam_unix.so' > '/etc/pam.d/other'
        chmod 644 '/etc/pam.d/other'
      fi
      if [ ! -f '/etc/login.defs' ]; then
        : > '/etc/login.defs'
        chmod 644 '/etc/login.defs'
      fi
    '';

  # ------------------------------------------------------------------ build environments
  shells = import ./shell.nix {
    inherit streamLayeredImage compressed overridable step textFile binSh usrBinEnv makeFakeNss need
      bashInteractive cacert;
  };

  functions = {
    inherit streamLayeredImage buildLayeredImage buildImage pullImage exportImage mergeImages
      usrBinEnv binSh caCertificates shadowSetup;
    inherit (shells) streamNixShellImage buildNixShellImage;
    fakeNss = if fakeNss != null then fakeNss else makeFakeNss { };
    buildImageWithNixDb = args: buildImage (args // { includeNixDB = true; });
    buildLayeredImageWithNixDb = args: buildLayeredImage (args // { includeNixDB = true; });
    examples = import ./examples.nix { dockerTools = functions; inherit hello redis buildEnv cowsay need; };
  };
in
functions
