package dev.clipkl;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The arrows between packages: a package may use any package further down, and none above. */
class ArchitectureTest {
  private static final String ROOT = "dev.clipkl";

  /** From top to bottom. */
  private static final List<String> PACKAGES =
      List.of(
          "cli",
          "report",
          "compare",
          "inspect",
          "dashboard",
          "bench",
          "certify",
          "network",
          "training",
          "sampling",
          "audit",
          "config",
          "metrics",
          "language",
          "exact",
          "problem",
          "engine",
          "objective",
          "table",
          "driver",
          "web",
          "failure");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void everyClassLivesInAPackageThatHasItsPlaceInTheOrder() {
    assertThat(CLASSES).isNotEmpty();
    assertThat(CLASSES.stream().map(JavaClass::getPackageName).distinct())
        .allSatisfy(name ->
            assertThat(PACKAGES)
                .as("the top-level package of %s", name)
                .contains(name.replaceFirst("dev\\.clipkl\\.(\\w+).*", "$1")));
  }

  @ParameterizedTest
  @MethodSource("packagesBelowTheFirst")
  void noPackageUsesOneAboveIt(String lower) {
    String[] above =
        PACKAGES.subList(0, PACKAGES.indexOf(lower)).stream()
            .map(ArchitectureTest::subtree)
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(subtree(lower))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(above)
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  static Stream<String> packagesBelowTheFirst() {
    return PACKAGES.stream().skip(1);
  }

  @Test
  void failuresDependOnNothingButTheJdk() {
    classes()
        .that()
        .resideInAPackage(subtree("failure"))
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("java..", "org.jspecify..", subtree("failure"))
        .check(CLASSES);
  }

  @Test
  void packagesFormNoCycle() {
    slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void enginesDoNotKnowOneAnother() {
    slices()
        .matching(ROOT + ".engine.(*)..")
        .should()
        .notDependOnEachOther()
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @Test
  void onlyEnginesForGpusUseTheDriver() {
    noClasses()
        .that()
        .resideOutsideOfPackages(subtree("driver"), subtree("engine.cuda"), subtree("engine.nd4j"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(subtree("driver"))
        .check(CLASSES);
  }

  /** A technology has one home, so that the rest can be read and tested without it. */
  @ParameterizedTest
  @CsvSource({
    "jdk.incubator.vector.., dev.clipkl.engine.vector..",
    "org.deeplearning4j..,   dev.clipkl.network..",
    "org.bytedeco..,         dev.clipkl.engine.nd4j..",
    "picocli..,              dev.clipkl.cli..",
    "com.google.protobuf..,  dev.clipkl.metrics..",
    "org.mlflow..,           dev.clipkl.metrics.mlflow..",
    "com.sun.net.httpserver.., dev.clipkl.dashboard..",
    "org.hipparchus.linear.., dev.clipkl.exact..",
    "ai.djl..,               dev.clipkl.language..",
    "com.knuddels..,         dev.clipkl.language..",
    "com.samskivert..,       dev.clipkl.report..",
    "org.knowm..,            dev.clipkl.report..",
    "org.apache.batik..,     dev.clipkl.report..",
    "java.awt..,             dev.clipkl.report.."
  })
  void technologyStaysInItsPackage(String technology, String home) {
    noClasses()
        .that()
        .resideOutsideOfPackage(home)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(technology)
        .check(CLASSES);
  }

  @Test
  void nd4jStaysWithItsEngineAndTheNetworks() {
    noClasses()
        .that()
        .resideOutsideOfPackages(subtree("engine.nd4j"), subtree("network"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.nd4j..")
        .check(CLASSES);
  }

  private static String subtree(String name) {
    return ROOT + "." + name + "..";
  }
}
