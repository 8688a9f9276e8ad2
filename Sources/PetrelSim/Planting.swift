// Bugs planted on purpose, for whoever tests the tests; empty in a normal build.

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// The planted bugs of this build.
public enum Planting {
    /// The names of all bugs; none unless the build was made with them.
    public static var names: [String] {
        #if PETREL_PLANTED
            PlantedBug.allCases.map(\.rawValue)
        #else
            []
        #endif
    }

    /// Plants a bug for the rest of the process; returns whether there is one of that name.
    public static func plant(_ name: String) -> Bool {
        #if PETREL_PLANTED
            guard let bug = PlantedBug(rawValue: name) else { return false }
            PlantedBug.plant(bug)
            return true
        #else
            return false
        #endif
    }
}
